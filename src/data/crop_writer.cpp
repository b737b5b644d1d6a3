// Writes crops.h5 in two phases, so that plain HDF5 serves any number of processes. One process creates the structure
// and reserves all space; then every process writes bytes at known offsets. HDF5 itself never writes data, because it
// drops data silently on a full disk.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <fstream>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"
#include "data/crop_file.h"
#include "data/crop_format.h"
#include "data/crop_layout.h"
#include "data/hdf5_handle.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;
namespace format = crop_format;

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

// An open file, written at offsets. Writes are thread-safe.
class OutputFile {
 public:
  explicit OutputFile(const fs::path& path) : path_(path), file_(::open(path.c_str(), O_WRONLY | O_CLOEXEC)) {
    if (file_ < 0) throw_file_error("open", path_, errno);
  }
  ~OutputFile() {
    if (file_ >= 0) ::close(file_);
  }
  OutputFile(const OutputFile&) = delete;

  // Not posix_fallocate: if the file system cannot reserve, that call reads the file, which is open for writing only.
  void reserve() {
    struct stat status {};
    if (::fstat(file_, &status) != 0) throw_file_error("reserve space for", path_, errno);
    while (::fallocate(file_, 0, 0, status.st_size) != 0) {
      if (errno == EINTR) continue;
      // A file system that cannot reserve (some network ones) reports a full disk at a write, or at the end.
      if (errno == EOPNOTSUPP || errno == ENOSYS) return;
      throw_file_error("reserve space for", path_, errno);
    }
  }

  void write(std::uint64_t offset, const void* data, std::size_t size) {
    write_at(file_, offset, {static_cast<const char*>(data), size}, path_);
  }

  void finish() {
    if (file_ < 0) return;
    if (::fsync(file_) != 0) throw_file_error("write", path_, errno);
    // Network file systems may report a failed write only here.
    if (::close(std::exchange(file_, -1)) != 0) throw_file_error("write", path_, errno);
  }

 private:
  fs::path path_;
  int file_;
};

// A column as stored: every value is padded with NULs to the width of the longest.
struct PackedColumn {
  std::string name;
  std::size_t width = 1;
  std::string bytes;
};

PackedColumn pack(const SampleTable& table, std::size_t index) {
  const std::string& name = table.names[index];
  const auto& values = table.values[index];
  PackedColumn column{.name = name};
  for (std::size_t row = 0; row < values.size(); ++row) {
    const std::string& value = values[row];
    if (value.size() > format::kMaxText) {
      throw DataError("{}: column '{}' holds a value of {} bytes, at most {} are kept; shorten it or drop the column",
                      table.place(row), shown(name), value.size(), format::kMaxText);
    }
    if (utf8_prefix(value) != value.size()) {
      throw DataError("{}: column '{}' is not UTF-8 text; save the table as UTF-8", table.place(row), shown(name));
    }
    column.width = std::max(column.width, value.size());
  }
  column.bytes.resize(column.width * values.size());
  for (std::size_t row = 0; row < values.size(); ++row) {
    values[row].copy(column.bytes.data() + row * column.width, column.width);
  }
  return column;
}

void check_input(const fs::path& path, const ImageShape& shape, const SampleTable& table,
                 const Provenance& provenance) {
  const std::string& source = table.source.empty() ? path.string() : table.source;
  check_table(table, source);
  const auto side = [](int size) { return size >= 1 && size <= format::kMaxSide; };
  if (!side(shape.height) || !side(shape.width) || (shape.channels != 1 && shape.channels != 3)) {
    throw DataError("{}: crops of {}x{}x{} cannot be stored; sides are 1 to {}, channels 1 or 3", path.string(),
                    shape.height, shape.width, shape.channels, format::kMaxSide);
  }
  if (table.rows() > format::kMaxRows) {
    throw DataError("{}: {} rows, at most {} are kept; make several files", source, table.rows(), format::kMaxRows);
  }
  if (table.names.size() > format::kMaxColumns) {
    throw DataError("{}: {} columns, at most {} are kept; drop some", source, table.names.size(), format::kMaxColumns);
  }
  if (provenance.size() > format::kMaxProvenance) {
    throw DataError("{}: {} facts of provenance; at most {} are kept", path.string(), provenance.size(),
                    format::kMaxProvenance);
  }
  for (const std::string& name : table.names) {
    if (const char* fault = column_name_fault(name))
      throw DataError("{}: column '{}' cannot be stored: {}; rename it", source, shown(name), fault);
  }
}

// An early check with a clear message. The reservation later makes sure.
void check_space(const fs::path& path, std::uint64_t needed) {
  struct statvfs disk {};
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (::statvfs(folder.c_str(), &disk) != 0 || disk.f_blocks == 0) return;  // opening the file reports more
  const std::uint64_t free_bytes = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  if (needed > free_bytes) {
    throw DataError("{} needs {:.2f} MB, but only {:.2f} MB are free there; free some space or choose another place",
                    path.string(), static_cast<double>(needed) / 1e6, static_cast<double>(free_bytes) / 1e6);
  }
}

Hdf5Properties without_times(hid_t property_class) {
  Hdf5Properties properties(H5Pcreate(property_class), "make a property list");
  // Object times would give two runs different bytes.
  hdf5(H5Pset_obj_track_times(properties.get(), false), "switch object times off");
  return properties;
}

Hdf5Properties utf8_names(hid_t property_class) {
  Hdf5Properties properties(H5Pcreate(property_class), "make a property list");
  hdf5(H5Pset_char_encoding(properties.get(), H5T_CSET_UTF8), "choose UTF-8");
  return properties;
}

Hdf5Type text_type(std::size_t width) {
  Hdf5Type type(H5Tcopy(H5T_C_S1), "make a text type");
  hdf5(H5Tset_size(type.get(), width), "make a text type");
  hdf5(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "make a text type");
  hdf5(H5Tset_cset(type.get(), H5T_CSET_UTF8), "make a text type");
  return type;
}

Hdf5Dataset make_dataset(hid_t parent, const std::string& name, hid_t type, const std::vector<hsize_t>& dims) {
  const Hdf5Space space(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr), "make a shape");
  const Hdf5Properties creation = without_times(H5P_DATASET_CREATE);
  hdf5(H5Pset_layout(creation.get(), H5D_CONTIGUOUS), "choose the layout");
  hdf5(H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY), "reserve space");
  hdf5(H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER), "leave space unfilled");
  const Hdf5Properties link = utf8_names(H5P_LINK_CREATE);
  return Hdf5Dataset(H5Dcreate2(parent, name.c_str(), type, space.get(), link.get(), creation.get(), H5P_DEFAULT),
                     "make a dataset");
}

void make_attribute(hid_t object, const std::string& name, hid_t stored, hid_t memory, const void* value) {
  const Hdf5Space space(H5Screate(H5S_SCALAR), "make a shape");
  const Hdf5Properties names = utf8_names(H5P_ATTRIBUTE_CREATE);
  Hdf5Attribute attribute(H5Acreate2(object, name.c_str(), stored, space.get(), names.get(), H5P_DEFAULT),
                          "make an attribute");
  hdf5(H5Awrite(attribute.get(), memory, value), "write an attribute");
  attribute.close();
}

void make_text_attribute(hid_t object, const std::string& name, const std::string& text) {
  const Hdf5Type type = text_type(std::max<std::size_t>(1, text.size()));
  make_attribute(object, name, type.get(), type.get(), text.c_str());
}

void make_table(hid_t file, const std::vector<PackedColumn>& columns, std::size_t rows) {
  const Hdf5Properties creation = without_times(H5P_GROUP_CREATE);
  // Readers list the columns in creation order.
  hdf5(H5Pset_link_creation_order(creation.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED),
       "keep the order of columns");
  Hdf5Group table(H5Gcreate2(file, format::kTable, H5P_DEFAULT, creation.get(), H5P_DEFAULT), "make a group");
  for (const PackedColumn& column : columns) {
    const Hdf5Type type = text_type(column.width);
    Hdf5Dataset dataset = make_dataset(table.get(), column.name, type.get(), {rows});
    const std::uint32_t crc = crc32(column.bytes);
    make_attribute(dataset.get(), format::kColumnCrc32, H5T_STD_U32LE, H5T_NATIVE_UINT32, &crc);
    dataset.close();
  }
  table.close();
}

void make_provenance(hid_t file, const Provenance& provenance) {
  const Hdf5Properties creation = without_times(H5P_GROUP_CREATE);
  Hdf5Group group(H5Gcreate2(file, format::kProvenance, H5P_DEFAULT, creation.get(), H5P_DEFAULT), "make a group");
  for (const auto& [name, value] : provenance) make_text_attribute(group.get(), name, value);
  group.close();
}

void make_structure(const fs::path& path, const ImageShape& shape, std::size_t rows,
                    const std::vector<PackedColumn>& columns, const Provenance& provenance) {
  const Hdf5Lock lock;
  const Hdf5Properties access(H5Pcreate(H5P_FILE_ACCESS), "make a property list");
  hdf5(H5Pset_alignment(access.get(), format::kAlignment, format::kAlignment), "align the images");
  // From version 1.8 on, HDF5 checksums its own structure: a flipped byte there is an error.
  hdf5(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V18), "choose the file version");
  hdf5(H5Pset_file_locking(access.get(), false, true), "switch file locking off");
  const Hdf5Properties creation = without_times(H5P_FILE_CREATE);
  Hdf5File file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), "create it");
  make_text_attribute(file.get(), format::kFormat, format::kFormatName);
  make_attribute(file.get(), format::kSchema, H5T_STD_I32LE, H5T_NATIVE_INT32, &format::kSchemaVersion);
  const std::vector<hsize_t> dims = {rows, static_cast<hsize_t>(shape.height), static_cast<hsize_t>(shape.width),
                                     static_cast<hsize_t>(shape.channels)};
  make_dataset(file.get(), format::kImages, H5T_STD_U8LE, dims).close();
  make_dataset(file.get(), format::kValid, H5T_STD_U8LE, {rows}).close();
  make_dataset(file.get(), format::kCrc32, H5T_STD_U32LE, {rows}).close();
  make_table(file.get(), columns, rows);
  make_provenance(file.get(), provenance);
  hdf5(H5Fflush(file.get(), H5F_SCOPE_LOCAL), "flush it");
  file.close();
}

void write_columns(const fs::path& path, const std::vector<PackedColumn>& columns) {
  OutputFile file(path);
  file.reserve();  // detects a full disk
  const CropLayout layout = read_crop_layout(path);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    file.write(layout.columns[i].at.offset, columns[i].bytes.data(), columns[i].bytes.size());
  }
  file.finish();
}

}  // namespace

void create_crops(const fs::path& path, const ImageShape& shape, const SampleTable& table,
                  const Provenance& provenance) {
  check_input(path, shape, table, provenance);
  std::vector<PackedColumn> columns;
  std::uint64_t bytes = table.rows() * (shape.bytes() + sizeof(std::uint8_t) + sizeof(std::uint32_t));
  for (std::size_t i = 0; i < table.names.size(); ++i) {
    columns.push_back(pack(table, i));
    bytes += columns.back().bytes.size();
  }
  std::error_code ignored;
  fs::remove(path, ignored);  // the remains of a killed run take up needed space
  check_space(path, bytes);
  try {
    make_structure(path, shape, table.rows(), columns, provenance);
    fault_point("create_crops");
    write_columns(path, columns);
  } catch (const std::exception& error) {
    fs::remove(path, ignored);
    if (dynamic_cast<const Hdf5Error*>(&error) == nullptr) throw;
    throw DataError("cannot write {}: HDF5 {}; is the disk full, or the folder not writable?", path.string(),
                    error.what());
  }
}

std::size_t count_valid(const fs::path& path) {
  const CropLayout layout = read_crop_layout(path);
  std::ifstream file(path, std::ios::binary);
  std::string flags(layout.rows, '\0');
  file.seekg(static_cast<std::streamoff>(layout.valid.offset));
  if (!file.read(flags.data(), static_cast<std::streamsize>(flags.size()))) throw_file_error("read", path, errno);
  return static_cast<std::size_t>(std::count(flags.begin(), flags.end(), '\1'));
}

struct CropWriter::Impl {
  Impl(const fs::path& path) : layout(read_crop_layout(path)), file(path) {}
  CropLayout layout;
  OutputFile file;
};

CropWriter::CropWriter(const fs::path& path) : impl_(std::make_unique<Impl>(path)) {}
CropWriter::~CropWriter() = default;

void CropWriter::write(std::size_t row, std::span<const std::uint8_t> image) {
  const CropLayout& layout = impl_->layout;
  if (row >= layout.rows || image.size() != layout.shape.bytes()) {
    throw std::logic_error(fmt::format("crop row {} of {} with {} bytes, expected {}", row, layout.rows, image.size(),
                                       layout.shape.bytes()));
  }
  fault_point("crop_write");
  const std::uint32_t crc = crc32({reinterpret_cast<const char*>(image.data()), image.size()});
  const std::uint8_t valid = 1;
  impl_->file.write(layout.images.offset + row * image.size(), image.data(), image.size());
  impl_->file.write(layout.crc32.offset + row * sizeof crc, &crc, sizeof crc);
  impl_->file.write(layout.valid.offset + row, &valid, sizeof valid);
}

void CropWriter::finish() { impl_->file.finish(); }

}  // namespace pleat
