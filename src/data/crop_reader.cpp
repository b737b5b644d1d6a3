#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "data/crop_file.h"
#include "data/crop_format.h"
#include "data/crop_layout.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

// A whole file, mapped read-only.
class Mapping {
 public:
  Mapping(const fs::path& path, std::uint64_t bytes) : size_(bytes) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    void* address = file < 0 ? MAP_FAILED : ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0);
    const int error = errno;
    if (file >= 0) ::close(file);
    if (address == MAP_FAILED)
      throw DataError("cannot map {} ({} bytes): {}", path.string(), bytes, system_error(error));
    start_ = static_cast<const char*>(address);
  }
  ~Mapping() { ::munmap(const_cast<char*>(start_), size_); }
  Mapping(const Mapping&) = delete;

  std::string_view at(const Extent& extent) const { return {start_ + extent.offset, extent.bytes}; }

 private:
  const char* start_ = nullptr;
  std::size_t size_;
};

[[noreturn]] void damaged(const fs::path& path, const std::string& what) {
  throw DataError("{}: {}; the file was changed or damaged after it was made: make it again with pleat prepare",
                  path.string(), what);
}

std::vector<std::string> unpack(const ColumnLayout& column, std::string_view bytes, const fs::path& path) {
  const std::string name = shown(column.name);
  if (crc32(bytes) != column.crc32) damaged(path, fmt::format("column '{}' has the wrong checksum", name));
  std::vector<std::string> values;
  values.reserve(bytes.size() / column.width);
  for (std::size_t at = 0; at < bytes.size(); at += column.width) {
    const std::string_view padded = bytes.substr(at, column.width);
    const std::string_view value = padded.substr(0, padded.find_last_not_of('\0') + 1);
    if (utf8_prefix(value) != value.size()) {
      damaged(path, fmt::format("column '{}' row {} is not UTF-8 text", name, values.size()));
    }
    values.emplace_back(value);
  }
  return values;
}

}  // namespace

struct CropFile::Impl {
  explicit Impl(const fs::path& file)
      : path(file), layout(read_crop_layout(file)), mapping(file, layout.file_bytes), checked(layout.rows) {
    table.source = path.string();
    for (const ColumnLayout& column : layout.columns) {
      table.names.push_back(column.name);
      table.values.push_back(unpack(column, mapping.at(column.at), path));
    }
    check_table(table, path.string());
    check_flags();
  }

  std::string_view pixels(std::size_t row) const {
    return mapping.at({layout.images.offset + row * layout.shape.bytes(), layout.shape.bytes()});
  }
  std::uint8_t flag(std::size_t row) const { return static_cast<std::uint8_t>(mapping.at(layout.valid)[row]); }
  std::uint32_t expected_crc(std::size_t row) const {
    std::uint32_t crc = 0;  // not aligned to four bytes in every file
    std::memcpy(&crc, mapping.at(layout.crc32).data() + row * sizeof crc, sizeof crc);
    return crc;
  }
  std::string name_of(std::size_t row) const {
    return fmt::format("row {} (id '{}')", row, shown(table.column("id")[row]));
  }

  // A flag that flipped from 1 to 0 would silently drop a row. The row's checksum, which remains, reveals that.
  void check_flags() const {
    for (std::size_t row = 0; row < layout.rows; ++row) {
      if (flag(row) > 1 || (flag(row) == 0 && expected_crc(row) != 0)) {
        damaged(path, name_of(row) + " has a wrong 'valid' flag");
      }
    }
  }

  fs::path path;
  CropLayout layout;
  Mapping mapping;
  SampleTable table;
  mutable std::vector<std::atomic<bool>> checked;  // rows whose checksum is known to be right
};

CropFile::CropFile(const fs::path& path) {
  if (path.extension() == ".partial") {
    throw DataError("{} was left by a pleat prepare that did not finish; run it again", path.string());
  }
  impl_ = std::make_unique<Impl>(path);
}
CropFile::~CropFile() = default;
CropFile::CropFile(CropFile&&) noexcept = default;
CropFile& CropFile::operator=(CropFile&&) noexcept = default;

const fs::path& CropFile::path() const { return impl_->path; }
const ImageShape& CropFile::shape() const { return impl_->layout.shape; }
std::size_t CropFile::rows() const { return impl_->layout.rows; }
const SampleTable& CropFile::table() const { return impl_->table; }
const Provenance& CropFile::provenance() const { return impl_->layout.provenance; }

bool CropFile::valid(std::size_t row) const { return row < rows() && impl_->flag(row) == 1; }

std::uint32_t CropFile::checksum(std::size_t row) const {
  if (row >= rows()) throw std::logic_error(fmt::format("crop row {} of {}", row, rows()));
  return impl_->expected_crc(row);
}

std::span<const std::uint8_t> CropFile::image(std::size_t row) const {
  if (row >= rows()) throw std::logic_error(fmt::format("crop row {} of {}", row, rows()));
  if (!valid(row)) {
    throw DataError("{}: {} has no picture (its photo was rejected by pleat prepare --skip-bad); leave the row out",
                    path().string(), impl_->name_of(row));
  }
  const std::string_view pixels = impl_->pixels(row);
  // Two threads may both check a new row, with the same result.
  auto& checked = impl_->checked[row];
  if (!checked.load(std::memory_order_relaxed)) {
    if (crc32(pixels) != impl_->expected_crc(row)) damaged(path(), impl_->name_of(row) + " has the wrong checksum");
    checked.store(true, std::memory_order_relaxed);
  }
  return {reinterpret_cast<const std::uint8_t*>(pixels.data()), pixels.size()};
}

std::string CropFile::hash() const {
  const ImageShape& shape = impl_->layout.shape;
  std::string facts = fmt::format("pleat crops {} rows {} shape {}x{}x{}\n", crop_format::kSchemaVersion, rows(),
                                  shape.height, shape.width, shape.channels);
  // Lengths precede the bytes, so that different tables have different texts.
  const auto add = [&facts](std::string_view text) { facts += fmt::format("{}:", text.size()), facts += text; };
  for (std::size_t i = 0; i < table().names.size(); ++i) {
    add(table().names[i]);
    for (const std::string& value : table().values[i]) add(value);
  }
  add(impl_->mapping.at(impl_->layout.valid));
  add(impl_->mapping.at(impl_->layout.crc32));
  return sha256(facts);
}

}  // namespace pleat
