#include "data/hdf5_tables.h"

#include <fmt/format.h>

namespace pleat {
namespace {

// Deflate, HDF5's usual compression, makes at most so many bytes of one.
constexpr hsize_t kMostCompression = 1032;

void require_there(hid_t parent, const std::string& name) {
  if (!has_object(parent, name)) throw Hdf5Error("it is missing");
}

// Throws if the values are elsewhere: HDF5 would open whatever file is named.
void require_inside(hid_t dataset) {
  const Hdf5Properties creation(H5Dget_create_plist(dataset), "get a dataset's properties");
  if (H5Pget_layout(creation.get()) == H5D_VIRTUAL || H5Pget_external_count(creation.get()) != 0)
    throw Hdf5Error("its values are in another file");
}

// A dataset, its type in the file, and its sizes.
struct OpenDataset {
  Hdf5Dataset set;
  Hdf5Type type;
  std::vector<hsize_t> dims;

  OpenDataset(hid_t parent, const std::string& name)
      : set((require_there(parent, name), H5Dopen2(parent, name.c_str(), H5P_DEFAULT)), "open a dataset"),
        type(H5Dget_type(set.get()), "get a type") {
    require_inside(set.get());
    const Hdf5Space space(H5Dget_space(set.get()), "get a data space");
    const int rank = hdf5(H5Sget_simple_extent_ndims(space.get()), "get dimensions");
    dims.resize(static_cast<std::size_t>(rank));
    hdf5(H5Sget_simple_extent_dims(space.get(), dims.data(), nullptr), "get dimensions");
  }

  void require(H5T_class_t type_class, std::size_t rank) const {
    if (H5Tget_class(type.get()) != type_class) throw Hdf5Error("it has the wrong type");
    if (dims.size() != rank) throw Hdf5Error(fmt::format("it has {} dimensions; expected {}", dims.size(), rank));
  }

  // The number of values. Throws if they are more than the file could hold: reading them could exhaust memory.
  std::size_t count() const {
    std::size_t count = 1, bytes = 0;
    bool overflows = false;
    for (const hsize_t size : dims) overflows = __builtin_mul_overflow(count, size, &count) || overflows;
    overflows = __builtin_mul_overflow(count, H5Tget_size(type.get()), &bytes) || overflows;
    const Hdf5File file(H5Iget_file_id(set.get()), "find a dataset's file");
    hsize_t size = 0;
    hdf5(H5Fget_filesize(file.get(), &size), "measure the file");
    const Hdf5Properties creation(H5Dget_create_plist(set.get()), "get a dataset's properties");
    const bool compressed = hdf5(H5Pget_nfilters(creation.get()), "count filters") > 0;
    if (overflows || bytes > size * (compressed ? kMostCompression : 1))
      throw Hdf5Error("it would be larger than the file");
    return count;
  }

  void read(hid_t memory_type, void* out) const {
    hdf5(H5Dread(set.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out), "read a dataset");
  }
};

// Names the dataset in an error.
template <class Work>
auto with_name(const std::string& name, const Work& work) try {
  return work();
} catch (const Hdf5Error& error) {
  throw Hdf5Error(fmt::format("{}: {}", name, error.what()));
}

// Texts of variable length are refused: HDF5 itself hangs on some damaged ones.
std::vector<std::string> texts_of(const OpenDataset& dataset) {
  if (H5Tis_variable_str(dataset.type.get()))
    throw Hdf5Error(
        "its texts have variable length; write them with a fixed one, in h5py numpy.char.encode(texts, 'utf-8')");
  const std::size_t width = H5Tget_size(dataset.type.get()), count = dataset.count();
  std::string padded(width * count, '\0');
  dataset.read(dataset.type.get(), padded.data());
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i) texts.emplace_back(padded.substr(i * width, width).c_str());
  return texts;
}

template <class Number>
NumberArray<Number> read_numbers(hid_t parent, const std::string& name, H5T_class_t type_class, hid_t memory_type,
                                 std::size_t rank) {
  return with_name(name, [&] {
    const OpenDataset dataset(parent, name);
    dataset.require(type_class, rank);
    NumberArray<Number> array{.dims = {dataset.dims.begin(), dataset.dims.end()}};
    array.values.resize(dataset.count());
    dataset.read(memory_type, array.values.data());
    return array;
  });
}

}  // namespace

Hdf5File open_hdf5(const std::string& bytes) {
  const Hdf5Properties access(H5Pcreate(H5P_FILE_ACCESS), "make a property list");
  hdf5(H5Pset_fapl_core(access.get(), 1 << 20, /*backing_store=*/false), "keep a file in memory");
  hdf5(H5Pset_file_image(access.get(), const_cast<char*>(bytes.data()), bytes.size()), "take a file's bytes");
  return {H5Fopen("table.h5", H5F_ACC_RDONLY, access.get()), "open"};
}

bool has_object(hid_t parent, const std::string& name) {
  for (std::size_t end = name.find('/');; end = name.find('/', end + 1)) {  // each part of the path
    const std::string part = name.substr(0, end);
    if (H5Lexists(parent, part.c_str(), H5P_DEFAULT) <= 0) return false;
    H5L_info_t link;
    hdf5(H5Lget_info(parent, part.c_str(), &link, H5P_DEFAULT), "look up a link");
    if (link.type != H5L_TYPE_HARD) throw Hdf5Error(part + " is a link to somewhere else; expected the data itself");
    if (end == std::string::npos) return true;
  }
}

std::vector<std::string> read_texts(hid_t parent, const std::string& name) {
  return with_name(name, [&] {
    const OpenDataset dataset(parent, name);
    dataset.require(H5T_STRING, 1);
    return texts_of(dataset);
  });
}

NumberArray<double> read_floats(hid_t parent, const std::string& name, std::size_t rank) {
  return read_numbers<double>(parent, name, H5T_FLOAT, H5T_NATIVE_DOUBLE, rank);
}

NumberArray<std::int64_t> read_integers(hid_t parent, const std::string& name, std::size_t rank) {
  return read_numbers<std::int64_t>(parent, name, H5T_INTEGER, H5T_NATIVE_INT64, rank);
}

}  // namespace pleat
