#include "data_tools/photos/orientation.h"

#include <algorithm>
#include <bit>
#include <set>

#include "base/ascii.h"
#include "data_tools/photos/formats.h"

namespace pleat {
namespace {

constexpr std::uint16_t kOrientation = 274;
constexpr std::string_view kXmpOrientation = "tiff:Orientation";

enum Type : std::uint16_t {
  kShort = 3,
  kLong = 4,
  kRational = 5,
  kSignedByte = 6,
  kSignedShort = 8,
  kSignedLong = 9,
  kSignedRational = 10,
  kFloat = 11,
  kDouble = 12,
  kDirectory = 13,
  kLong8 = 16,
};

struct Field {
  std::uint16_t type = 0;
  FileBytes values;
  bool big_endian = false;
};

// Returns the bytes of one value; 0 for unknown types.
std::size_t bytes_of(std::uint16_t type) {
  constexpr std::size_t kBytes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8};
  return type < std::size(kBytes) ? kBytes[type] : 0;
}

std::uint64_t number_in(FileBytes bytes, bool is_big_endian) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) number = number << 8 | bytes[is_big_endian ? i : bytes.size() - 1 - i];
  return number;
}

// Reads the entries of the first directory in order, as far as they reach.
class FirstDirectory {
 public:
  explicit FirstDirectory(FileBytes tiff) : tiff_(tiff), big_endian_(starts_with(tiff, "MM")) {
    const bool is_tiff = big_endian_ || starts_with(tiff, "II");
    const std::uint64_t version = is_tiff && tiff.size() >= 4 ? number(2, 2).value_or(0) : 0;
    is_big_ = version == 43;  // BigTIFF: numbers of 8 bytes
    if (version == 42 || is_big_) at_ = number(is_big_ ? 8 : 4, is_big_ ? 8 : 4);
  }

  // The first sound entry of a tag counts. The search ends at a value out of reach, where Pillow ends it too.
  std::optional<Field> find(std::uint16_t wanted) const {
    const std::size_t inline_bytes = is_big_ ? 8 : 4, entry_bytes = is_big_ ? 20 : 12;
    const auto count = at_ ? number(*at_, is_big_ ? 8 : 2) : std::nullopt;
    if (!count) return std::nullopt;
    std::set<std::uint64_t> seen;
    std::size_t total = 0, at = *at_ + (is_big_ ? 8 : 2);
    for (std::uint64_t i = 0; i < *count; ++i, at += entry_bytes) {
      if (at > tiff_.size() || entry_bytes > tiff_.size() - at) return std::nullopt;
      const std::uint64_t tag = *number(at, 2), values = *number(at + 4, inline_bytes);
      const auto type = static_cast<std::uint16_t>(*number(at + 2, 2));
      const std::size_t bytes = bytes_of(type);
      if (bytes == 0 || values == 0 || seen.contains(tag)) continue;
      std::size_t from = at + 4 + inline_bytes;
      if (values > inline_bytes / bytes) {
        total = values > (SIZE_MAX - total) / bytes ? SIZE_MAX : total + values * bytes;
        if (total > tiff_.size()) continue;
        from = *number(from, inline_bytes);
        if (from > tiff_.size() || values * bytes > tiff_.size() - from) return std::nullopt;
      }
      if (tag == wanted) return Field{type, tiff_.subspan(from, values * bytes), big_endian_};
      seen.insert(tag);
    }
    return std::nullopt;
  }

 private:
  std::optional<std::uint64_t> number(std::size_t at, std::size_t bytes) const {
    if (at > tiff_.size() || bytes > tiff_.size() - at) return std::nullopt;
    return number_in(tiff_.subspan(at, bytes), big_endian_);
  }

  FileBytes tiff_;
  bool big_endian_ = false, is_big_ = false;
  std::optional<std::size_t> at_;  // offset of the directory
};

std::int64_t signed_number(std::uint64_t bits, std::size_t bytes) {
  const int shift = 64 - 8 * static_cast<int>(bytes);
  return static_cast<std::int64_t>(bits << shift) >> shift;
}

// Returns the first value. Bytes and texts are no numbers, as in Pillow.
double value_of(const Field& field) {
  const std::size_t bytes = bytes_of(field.type);
  const std::uint64_t bits = number_in(field.values.first(bytes), field.big_endian);
  const auto half = [&field](std::size_t at) { return number_in(field.values.subspan(at, 4), field.big_endian); };
  switch (field.type) {
    case kShort:
    case kLong:
    case kDirectory:
    case kLong8:
      return static_cast<double>(bits);
    case kSignedByte:
    case kSignedShort:
    case kSignedLong:
      return static_cast<double>(signed_number(bits, bytes));
    case kRational:
      return half(4) == 0 ? 0 : static_cast<double>(half(0)) / static_cast<double>(half(4));
    case kSignedRational:
      return half(4) == 0
                 ? 0
                 : static_cast<double>(signed_number(half(0), 4)) / static_cast<double>(signed_number(half(4), 4));
    case kFloat:
      return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    case kDouble:
      return std::bit_cast<double>(bits);
    default:
      return 0;
  }
}

// Pillow's pattern: tiff:Orientation(="|>)([0-9])
int orientation_in_xmp(std::string_view xmp) {
  for (std::size_t at = xmp.find(kXmpOrientation); at != xmp.npos; at = xmp.find(kXmpOrientation, at + 1)) {
    std::string_view rest = xmp.substr(at + kXmpOrientation.size());
    const std::size_t opening = rest.starts_with("=\"") ? 2 : rest.starts_with(">") ? 1 : 0;
    rest.remove_prefix(opening);
    if (opening > 0 && !rest.empty() && rest[0] >= '0' && rest[0] <= '9') return rest[0] - '0';
  }
  return 1;
}

FileBytes without_start(FileBytes exif) {
  for (int i = 0; i < 2 && starts_with(exif, kExifStart); ++i) exif = exif.subspan(kExifStart.size());
  return exif;
}

}  // namespace

int orientation_of(FileBytes exif, FileBytes xmp) {
  const std::optional<Field> field = FirstDirectory(without_start(exif)).find(kOrientation);
  const double value =
      field ? value_of(*field) : orientation_in_xmp({reinterpret_cast<const char*>(xmp.data()), xmp.size()});
  for (int orientation = 2; orientation <= 8; ++orientation) {
    if (value == orientation) return orientation;
  }
  return 1;
}

std::optional<FileBytes> field_bytes(FileBytes tiff, std::uint16_t tag) {
  const std::optional<Field> field = FirstDirectory(tiff).find(tag);
  return field ? std::optional(field->values) : std::nullopt;
}

std::vector<std::uint8_t> raw_profile(std::string_view text) {
  for (int line = 0; line < 3; ++line) {
    const std::size_t end = text.find('\n');
    if (end == text.npos) return {};
    text.remove_prefix(end + 1);
  }
  std::vector<std::uint8_t> bytes;
  int digits = 0;
  for (const char c : text) {
    if (c == '\n' || c == ' ' || c == '\r' || c == '\t') continue;
    const int digit = hex_digit(c);
    if (digit < 0) return {};
    if (digits++ % 2 == 0) bytes.push_back(0);
    bytes.back() = static_cast<std::uint8_t>(bytes.back() << 4 | digit);
  }
  return digits % 2 == 0 ? bytes : std::vector<std::uint8_t>();
}

}  // namespace pleat
