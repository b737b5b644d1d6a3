// Reads a directory of a TIFF structure, for TIFF files. Source: TIFF 6.0.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace pleat {

class TiffDirectory {
 public:
  /// Reads the directory at offset `at`; 0: the first one.
  /// Throws: BadPhoto if the directory is broken or reaches beyond `tiff`.
  explicit TiffDirectory(std::span<const std::uint8_t> tiff, std::uint32_t at = 0);

  /// Returns up to `most` values of an integer field; none if the field is absent.
  /// Throws: BadPhoto if the values reach beyond the structure.
  std::vector<std::uint32_t> numbers(std::uint16_t tag, std::size_t most = SIZE_MAX) const;
  /// Returns the first value of a field.
  std::optional<std::uint32_t> number(std::uint16_t tag) const;

  /// Returns the offset of the next directory; 0: none.
  std::uint32_t next() const;
  bool big_endian() const { return big_endian_; }

 private:
  std::uint32_t read(std::size_t at, std::size_t bytes) const;
  /// Returns the offset of the entry.
  std::optional<std::size_t> find(std::uint16_t tag) const;

  std::span<const std::uint8_t> tiff_;
  bool big_endian_ = false;
  std::size_t at_ = 0, entries_ = 0;
};

}  // namespace pleat
