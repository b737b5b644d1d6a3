// A TIFF structure's first directory: that of a TIFF file, and the whole of what EXIF says. Source: TIFF 6.0.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace pleat {

class TiffDirectory {
 public:
  /// The directory at a byte of the structure; 0: the first one. Throws BadPhoto if it is none, or leaves `tiff`.
  explicit TiffDirectory(std::span<const std::uint8_t> tiff, std::uint32_t at = 0);

  /// The values of a field of whole numbers; none if it is absent. Throws BadPhoto if they leave the structure.
  std::vector<std::uint32_t> numbers(std::uint16_t tag, std::size_t most = SIZE_MAX) const;
  /// The first of them.
  std::optional<std::uint32_t> number(std::uint16_t tag) const;

  /// Where the next directory begins; 0: there is none.
  std::uint32_t next() const;
  bool big_endian() const { return big_endian_; }

 private:
  std::uint32_t read(std::size_t at, std::size_t bytes) const;
  /// Where the entry stands.
  std::optional<std::size_t> find(std::uint16_t tag) const;

  std::span<const std::uint8_t> tiff_;
  bool big_endian_ = false;
  std::size_t at_ = 0, entries_ = 0;
};

/// 1 to 8 as EXIF defines it; 1 where the field is absent, of another value, or the structure is damaged: a photo whose
/// EXIF cannot be read is shown as it is stored by every viewer.
///   exif: the TIFF structure, with JPEG's "Exif" before it or without
int exif_orientation(std::span<const std::uint8_t> exif);

}  // namespace pleat
