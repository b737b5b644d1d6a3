#include "ensemble/hdf5_tables.h"

#include <ATen/ops/empty.h>

namespace pleat {
namespace {

std::vector<hsize_t> dims_of(hid_t set, hid_t type_class) {
  const Hdf5Space space(H5Dget_space(set), "get a data space");
  const Hdf5Type type(H5Dget_type(set), "get a type");
  const int rank = hdf5(H5Sget_simple_extent_ndims(space.get()), "get dimensions");
  std::vector<hsize_t> dims(static_cast<std::size_t>(rank));
  hdf5(H5Sget_simple_extent_dims(space.get(), dims.data(), nullptr), "get dimensions");
  if (H5Tget_class(type.get()) != static_cast<H5T_class_t>(type_class)) throw Hdf5Error("a dataset has the wrong type");
  return dims;
}

// Bytes of a dataset's values in memory.
// Throws: Hdf5Error if they exceed the file's size. Such a file is damaged, and reading it could exhaust memory.
std::size_t bytes_of(hid_t set, const std::vector<hsize_t>& dims, std::size_t item) {
  std::size_t bytes = item;
  bool overflows = false;
  for (const hsize_t size : dims) overflows = __builtin_mul_overflow(bytes, size, &bytes) || overflows;
  const Hdf5File file(H5Iget_file_id(set), "find a dataset's file");
  hsize_t size = 0;
  hdf5(H5Fget_filesize(file.get(), &size), "measure the file");
  if (overflows || bytes > size) throw Hdf5Error("a dataset would be larger than the file");
  return bytes;
}

// Texts of any length, as h5py writes them by default.
std::vector<std::string> read_long_texts(hid_t set, std::size_t count) {
  const Hdf5Type type(H5Tcopy(H5T_C_S1), "make a text type");
  hdf5(H5Tset_size(type.get(), H5T_VARIABLE), "size a text type");
  hdf5(H5Tset_cset(type.get(), H5T_CSET_UTF8), "encode a text type");
  std::vector<char*> first(count);
  hdf5(H5Dread(set, type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, first.data()), "read a dataset");
  std::vector<std::string> texts;
  for (const char* text : first) texts.emplace_back(text ? text : "");
  const Hdf5Space space(H5Dget_space(set), "get a data space");
  hdf5(H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, first.data()), "free texts");
  return texts;
}

}  // namespace

Hdf5File open_hdf5(const std::string& bytes) {
  const Hdf5Properties access(H5Pcreate(H5P_FILE_ACCESS), "make a property list");
  hdf5(H5Pset_fapl_core(access.get(), 1 << 20, /*backing_store=*/false), "keep a file in memory");
  hdf5(H5Pset_file_image(access.get(), const_cast<char*>(bytes.data()), bytes.size()), "take a file's bytes");
  return {H5Fopen("table.h5", H5F_ACC_RDONLY, access.get()), "open"};
}

bool has_object(hid_t parent, const std::string& name) { return H5Lexists(parent, name.c_str(), H5P_DEFAULT) > 0; }

std::vector<std::string> read_texts(hid_t parent, const char* name) {
  const Hdf5Dataset set(H5Dopen2(parent, name, H5P_DEFAULT), "open a dataset");
  const auto dims = dims_of(set.get(), H5T_STRING);
  const Hdf5Type type(H5Dget_type(set.get()), "get a type");
  if (dims.size() != 1) throw Hdf5Error(std::string(name) + " is not a text list");
  if (H5Tis_variable_str(type.get())) {
    bytes_of(set.get(), dims, sizeof(char*));
    return read_long_texts(set.get(), dims[0]);
  }
  const std::size_t width = H5Tget_size(type.get());
  std::string padded(bytes_of(set.get(), dims, width), '\0');
  hdf5(H5Dread(set.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, padded.data()), "read a dataset");
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < dims[0]; ++i) texts.emplace_back(padded.substr(i * width, width).c_str());
  return texts;
}

torch::Tensor read_tensor(hid_t parent, const char* name, at::ScalarType dtype, std::size_t rank) {
  const Hdf5Dataset set(H5Dopen2(parent, name, H5P_DEFAULT), "open a dataset");
  const auto dims = dims_of(set.get(), dtype == at::kDouble ? H5T_FLOAT : H5T_INTEGER);
  if (dims.size() != rank) throw Hdf5Error(std::string(name) + " has the wrong number of dimensions");
  bytes_of(set.get(), dims, sizeof(double));
  const torch::Tensor tensor = at::empty(std::vector<std::int64_t>(dims.begin(), dims.end()), dtype);
  hdf5(H5Dread(set.get(), dtype == at::kDouble ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT,
               tensor.data_ptr()),
       "read a dataset");
  return tensor;
}

}  // namespace pleat
