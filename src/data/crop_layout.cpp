#include "data/crop_layout.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "data/crop_format.h"
#include "data/hdf5_handle.h"

namespace pleat {
namespace {

namespace format = crop_format;

// Throws what is wrong with a file; read_crop_layout adds the file's name and the remedy.
template <class... Values>
[[noreturn]] void refuse(fmt::format_string<Values...> text, Values&&... values) {
  throw Hdf5Error(fmt::format(text, std::forward<Values>(values)...));
}

Hdf5File open_file(const std::filesystem::path& path) {
  const Hdf5Properties access(H5Pcreate(H5P_FILE_ACCESS), "make a property list");
  // A published file never changes, so HDF5's lock is not needed. On network file systems the lock may fail.
  hdf5(H5Pset_file_locking(access.get(), false, true), "switch file locking off");
  return Hdf5File(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), "open it as HDF5");
}

// Soft and external links could lead anywhere, even out of the file.
void check_hard_link(hid_t group, const std::string& name) {
  if (hdf5(H5Lexists(group, name.c_str(), H5P_DEFAULT), "look up a link") == 0) refuse("'{}' is missing", name);
  H5L_info_t link;
  hdf5(H5Lget_info(group, name.c_str(), &link, H5P_DEFAULT), "look up a link");
  if (link.type != H5L_TYPE_HARD) refuse("'{}' is a link to somewhere else, expected the data itself", name);
}

Hdf5Group open_group(hid_t parent, const std::string& name) {
  check_hard_link(parent, name);
  return Hdf5Group(H5Gopen2(parent, name.c_str(), H5P_DEFAULT), "open a group");
}

// Checks the layout first: to read the shape of a virtual dataset, HDF5 opens the files it names, even pipes.
Hdf5Dataset open_dataset(hid_t parent, const std::string& name) {
  check_hard_link(parent, name);
  Hdf5Dataset dataset(H5Dopen2(parent, name.c_str(), H5P_DEFAULT), "open a dataset");
  const Hdf5Properties creation(H5Dget_create_plist(dataset.get()), "read a dataset's layout");
  if (H5Pget_layout(creation.get()) != H5D_CONTIGUOUS) refuse("'{}' is not stored contiguously", name);
  if (H5Pget_nfilters(creation.get()) != 0) refuse("'{}' is stored through a filter (compressed?)", name);
  if (H5Pget_external_count(creation.get()) != 0) refuse("'{}' is stored in another file", name);
  return dataset;
}

std::vector<hsize_t> dims_of(hid_t dataset, const std::string& name, int expected_rank) {
  const Hdf5Space space(H5Dget_space(dataset), "read a dataset's shape");
  const int rank = hdf5(H5Sget_simple_extent_ndims(space.get()), "read a dataset's shape");
  if (rank != expected_rank) refuse("'{}' has {} dimensions, expected {}", name, rank, expected_rank);
  std::vector<hsize_t> dims(static_cast<std::size_t>(rank));
  hdf5(H5Sget_simple_extent_dims(space.get(), dims.data(), nullptr), "read a dataset's shape");
  return dims;
}

// Returns the dataset's bytes: one plain run inside the file, which can be mapped.
Extent extent_of(hid_t dataset, const std::string& name, std::uint64_t bytes, std::uint64_t file_bytes) {
  const haddr_t offset = H5Dget_offset(dataset);
  if (offset == HADDR_UNDEF) refuse("'{}' has no storage", name);
  if (H5Dget_storage_size(dataset) != bytes) {
    refuse("'{}' takes {} bytes, expected {}", name, H5Dget_storage_size(dataset), bytes);
  }
  if (offset > file_bytes || bytes > file_bytes - offset) {
    refuse("'{}' ends at byte {}, but the file has {} (cut short?)", name, offset + bytes, file_bytes);
  }
  return {offset, bytes};
}

Extent numbers_extent(hid_t file, const std::string& name, hid_t type, const std::vector<hsize_t>& dims,
                      std::uint64_t file_bytes) {
  const Hdf5Dataset dataset = open_dataset(file, name);
  const Hdf5Type stored(H5Dget_type(dataset.get()), "read a dataset's type");
  if (hdf5(H5Tequal(stored.get(), type), "compare types") == 0) refuse("'{}' has another number type", name);
  if (dims_of(dataset.get(), name, static_cast<int>(dims.size())) != dims) {
    refuse("'{}' disagrees with the shape of '{}'", name, format::kImages);
  }
  std::uint64_t bytes = H5Tget_size(type);
  for (const hsize_t size : dims) bytes *= size;
  return extent_of(dataset.get(), name, bytes, file_bytes);
}

// Width of a fixed-length, NUL-padded string type.
std::size_t text_width(hid_t type, const std::string& name) {
  if (H5Tget_class(type) != H5T_STRING || hdf5(H5Tis_variable_str(type), "read a type") != 0 ||
      H5Tget_strpad(type) != H5T_STR_NULLPAD) {
    refuse("'{}' is not fixed-length, NUL-padded text", name);
  }
  const std::size_t width = H5Tget_size(type);
  if (width == 0 || width > format::kMaxText)
    refuse("'{}' has values of {} bytes, expected 1 to {}", name, width, format::kMaxText);
  return width;
}

std::string text_attribute(hid_t object, const std::string& name) {
  const Hdf5Attribute attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), "open an attribute");
  const Hdf5Type type(H5Aget_type(attribute.get()), "read an attribute's type");
  const Hdf5Space space(H5Aget_space(attribute.get()), "read an attribute's shape");
  if (H5Sget_simple_extent_type(space.get()) != H5S_SCALAR) refuse("attribute '{}' is not one text", name);
  std::string text(text_width(type.get(), name), '\0');
  hdf5(H5Aread(attribute.get(), type.get(), text.data()), "read an attribute");
  text.resize(std::strlen(text.c_str()));
  if (utf8_prefix(text) != text.size()) refuse("attribute '{}' is not UTF-8", name);
  return text;
}

template <class Number>
Number number_attribute(hid_t object, const std::string& name, hid_t stored, hid_t native) {
  const Hdf5Attribute attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), "open an attribute");
  const Hdf5Type type(H5Aget_type(attribute.get()), "read an attribute's type");
  const Hdf5Space space(H5Aget_space(attribute.get()), "read an attribute's shape");
  if (hdf5(H5Tequal(type.get(), stored), "compare types") == 0 ||
      H5Sget_simple_extent_type(space.get()) != H5S_SCALAR) {
    refuse("attribute '{}' is not one number of the expected type", name);
  }
  Number number{};
  hdf5(H5Aread(attribute.get(), native, &number), "read an attribute");
  return number;
}

// An intact file that this program does not read gets its own error: making it again may be the wrong advice.
void check_version(hid_t file, const std::filesystem::path& path) {
  if (hdf5(H5Aexists(file, format::kFormat), "look up an attribute") == 0 ||
      text_attribute(file, format::kFormat) != format::kFormatName) {
    throw DataError(
        "{} is HDF5, but not made by pleat prepare (no attribute '{}' = '{}'); give the crops file that pleat prepare "
        "wrote",
        path.string(), format::kFormat, format::kFormatName);
  }
  const auto schema = number_attribute<std::int32_t>(file, format::kSchema, H5T_STD_I32LE, H5T_NATIVE_INT32);
  if (schema == format::kSchemaVersion) return;
  throw DataError("{} was made by {} pleat: its schema version is {}, this program reads {}; {}", path.string(),
                  schema > format::kSchemaVersion ? "a newer" : "another", schema, format::kSchemaVersion,
                  schema > format::kSchemaVersion ? "update this program, or make the file again with this program"
                                                  : "make it again with pleat prepare");
}

void read_shape(hid_t file, CropLayout& layout) {
  const Hdf5Dataset images = open_dataset(file, format::kImages);
  const auto dims = dims_of(images.get(), format::kImages, 4);
  const auto side = [](hsize_t size) { return size >= 1 && size <= static_cast<hsize_t>(format::kMaxSide); };
  if (dims[0] < 1 || dims[0] > format::kMaxRows || !side(dims[1]) || !side(dims[2]) || (dims[3] != 1 && dims[3] != 3)) {
    refuse("'{}' has shape {}x{}x{}x{}, expected rows x height x width x 1 or 3, sides up to {}", format::kImages,
           dims[0], dims[1], dims[2], dims[3], format::kMaxSide);
  }
  layout.rows = dims[0];
  layout.shape = {static_cast<int>(dims[1]), static_cast<int>(dims[2]), static_cast<int>(dims[3])};
}

std::string link_name(hid_t group, hsize_t index) {
  const auto name = [&](char* buffer, std::size_t size) {
    return static_cast<std::size_t>(
        hdf5(H5Lget_name_by_idx(group, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, index, buffer, size, H5P_DEFAULT),
             "read a column's name"));
  };
  const std::size_t length = name(nullptr, 0);
  if (length == 0 || length > format::kMaxText)
    refuse("a column's name has {} bytes, expected 1 to {}", length, format::kMaxText);
  std::string text(length + 1, '\0');
  name(text.data(), text.size());
  text.pop_back();
  if (const char* fault = column_name_fault(text)) refuse("column '{}': {}", text, fault);
  return text;
}

void read_columns(hid_t file, CropLayout& layout) {
  const Hdf5Group table = open_group(file, format::kTable);
  H5G_info_t info;
  hdf5(H5Gget_info(table.get(), &info), "read the table");
  if (info.nlinks > format::kMaxColumns)
    refuse("the table has {} columns, at most {} are accepted", info.nlinks, format::kMaxColumns);
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    ColumnLayout column{.name = link_name(table.get(), i)};
    const Hdf5Dataset dataset = open_dataset(table.get(), column.name);
    const Hdf5Type type(H5Dget_type(dataset.get()), "read a column's type");
    column.width = text_width(type.get(), column.name);
    const auto dims = dims_of(dataset.get(), column.name, 1);
    if (dims[0] != layout.rows)
      refuse("column '{}' has {} rows, '{}' has {}", column.name, dims[0], format::kImages, layout.rows);
    column.crc32 =
        number_attribute<std::uint32_t>(dataset.get(), format::kColumnCrc32, H5T_STD_U32LE, H5T_NATIVE_UINT32);
    column.at = extent_of(dataset.get(), column.name, column.width * layout.rows, layout.file_bytes);
    layout.columns.push_back(std::move(column));
  }
}

void read_provenance(hid_t file, CropLayout& layout) {
  const Hdf5Group group = open_group(file, format::kProvenance);
  H5O_info_t info;
  hdf5(H5Oget_info2(group.get(), &info, H5O_INFO_NUM_ATTRS), "read the provenance");
  if (info.num_attrs > format::kMaxProvenance)
    refuse("{} facts of provenance, at most {} are accepted", info.num_attrs, format::kMaxProvenance);
  for (hsize_t i = 0; i < info.num_attrs; ++i) {
    const Hdf5Attribute attribute(
        H5Aopen_by_idx(group.get(), ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT), "open an attribute");
    char name[format::kMaxText + 1];
    const auto length = hdf5(H5Aget_name(attribute.get(), sizeof name, name), "read an attribute's name");
    if (static_cast<std::size_t>(length) >= sizeof name || utf8_prefix(name) != std::strlen(name)) {
      refuse("the name of an attribute of '{}' is too long or not UTF-8", format::kProvenance);
    }
    layout.provenance[name] = text_attribute(group.get(), name);
  }
}

CropLayout read_layout(const std::filesystem::path& path, std::uint64_t file_bytes) {
  CropLayout layout{.file_bytes = file_bytes};
  const Hdf5File file = open_file(path);
  check_version(file.get(), path);
  read_shape(file.get(), layout);
  const auto shape_dims = [&]() -> std::vector<hsize_t> {
    const auto& [height, width, channels] = layout.shape;
    return {layout.rows, static_cast<hsize_t>(height), static_cast<hsize_t>(width), static_cast<hsize_t>(channels)};
  };
  layout.images = numbers_extent(file.get(), format::kImages, H5T_STD_U8LE, shape_dims(), file_bytes);
  layout.valid = numbers_extent(file.get(), format::kValid, H5T_STD_U8LE, {layout.rows}, file_bytes);
  layout.crc32 = numbers_extent(file.get(), format::kCrc32, H5T_STD_U32LE, {layout.rows}, file_bytes);
  read_columns(file.get(), layout);
  read_provenance(file.get(), layout);
  return layout;
}

// Checked before HDF5 opens the file: a pipe would block for ever, and an unreadable file would be called damaged.
std::uint64_t size_of_file(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  struct stat status {};
  const bool known = file >= 0 && ::fstat(file, &status) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  std::error_code ignored;
  if (!known && error == ENOENT && !std::filesystem::is_symlink(path, ignored)) {
    throw DataError("cannot read {}{}: {}; make it with pleat prepare, or correct the path", path.string(),
                    path.is_relative() ? fmt::format(" (from {})", std::filesystem::current_path(ignored).string()) : "",
                    system_error(error));
  }
  if (!known) throw_file_error("read", path, error);
  if (!S_ISREG(status.st_mode)) {
    throw DataError("{} is not a file but {}; expected one made by pleat prepare", path.string(),
                    S_ISDIR(status.st_mode) ? "a folder" : "a pipe or a device");
  }
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace

const char* column_name_fault(std::string_view name) {
  if (name.empty()) return "the name is empty";
  if (name.size() > format::kMaxText) return "the name is too long";
  if (utf8_prefix(name) != name.size()) return "the name is not UTF-8";
  if (name == ".") return "HDF5 does not take '.' for a name";
  // HDF5 would follow the name as a path, through links of any kind.
  if (name.find('/') != std::string_view::npos) return "HDF5 takes '/' for a folder";
  return nullptr;
}

CropLayout read_crop_layout(const std::filesystem::path& path) {
  const std::uint64_t bytes = size_of_file(path);
  try {
    const Hdf5Lock lock;
    return read_layout(path, bytes);
  } catch (const Hdf5Error& error) {
    // The message holds names from an untrusted file.
    throw DataError("{} is not a whole crops file: {}; make it again with pleat prepare", path.string(),
                    shown(error.what(), 1000));
  }
}

}  // namespace pleat
