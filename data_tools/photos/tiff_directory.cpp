#include "data_tools/photos/tiff_directory.h"

#include "data_tools/photos/formats.h"

namespace pleat {
namespace {

constexpr std::size_t kEntry = 12;  // bytes: tag, type, count, value or offset of the values

[[noreturn]] void broken() { throw BadPhoto("TIFF with a broken directory; get an intact copy"); }

// Returns the bytes of a BYTE, SHORT or LONG; 0 for other types.
std::size_t bytes_of(std::uint32_t type) { return type == 1 ? 1 : type == 3 ? 2 : type == 4 ? 4 : 0; }

}  // namespace

TiffDirectory::TiffDirectory(FileBytes tiff, std::uint32_t at) : tiff_(tiff), big_endian_(starts_with(tiff, "MM")) {
  if (!big_endian_ && !starts_with(tiff, "II")) broken();
  if (read(2, 2) != 42) broken();
  at_ = at != 0 ? at : read(4, 4);
  entries_ = read(at_, 2);
  if (entries_ == 0 || at_ + 2 + kEntry * entries_ > tiff_.size()) broken();
}

std::uint32_t TiffDirectory::read(std::size_t at, std::size_t bytes) const {
  if (at > tiff_.size() || bytes > tiff_.size() - at) broken();
  const FileBytes number = tiff_.subspan(at, bytes);
  return big_endian_ ? pleat::big_endian(number) : little_endian(number);
}

std::optional<std::size_t> TiffDirectory::find(std::uint16_t tag) const {
  for (std::size_t i = 0; i < entries_; ++i) {
    const std::size_t entry = at_ + 2 + kEntry * i;
    if (read(entry, 2) == tag) return entry;
  }
  return std::nullopt;
}

std::vector<std::uint32_t> TiffDirectory::numbers(std::uint16_t tag, std::size_t most) const {
  std::vector<std::uint32_t> values;
  const auto entry = find(tag);
  if (!entry) return values;
  const std::size_t bytes = bytes_of(read(*entry + 2, 2)), count = read(*entry + 4, 4);
  if (bytes == 0) broken();
  const std::size_t at = bytes * count <= 4 ? *entry + 8 : read(*entry + 8, 4);
  if (at > tiff_.size() || bytes * count > tiff_.size() - at) broken();  // before anything of that size is allocated
  const std::size_t wanted = std::min(count, most);
  values.reserve(wanted);
  for (std::size_t i = 0; i < wanted; ++i) values.push_back(read(at + bytes * i, bytes));
  return values;
}

std::optional<std::uint32_t> TiffDirectory::number(std::uint16_t tag) const {
  const std::vector<std::uint32_t> values = numbers(tag, 1);
  return values.empty() ? std::nullopt : std::optional(values[0]);
}

std::uint32_t TiffDirectory::next() const {
  const std::size_t at = at_ + 2 + kEntry * entries_;
  return at + 4 <= tiff_.size() ? read(at, 4) : 0;  // some writers omit the last link
}

}  // namespace pleat
