// A TIFF in memory, read through libtiff. Its messages become refusals; nothing is printed.
#pragma once

#include <tiffio.h>

#include <cstdint>
#include <span>
#include <string>

namespace pleat {

class TiffFile {
 public:
  /// Reads the first directory.
  /// Throws: BadPhoto if libtiff cannot.
  explicit TiffFile(std::span<const std::uint8_t> file);
  ~TiffFile();
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;

  TIFF* get() const { return tiff_; }

  /// Returns a field of one value. Requires: Value is libtiff's type of the field.
  template <class Value>
  Value field(std::uint32_t tag, Value absent) const {
    Value value{};
    return TIFFGetFieldDefaulted(tiff_, tag, &value) != 0 ? value : absent;
  }

  /// Begins the part in which every message means damage. Directories often cause harmless ones.
  void expect_silence() { complaint_.clear(), complaint_is_error_ = false; }
  /// The first error since expect_silence(), else the first warning; empty: none.
  const std::string& complaint() const { return complaint_; }

 private:
  struct Calls;  // libtiff calls these functions

  std::span<const std::uint8_t> file_;
  std::uint64_t at_ = 0;  // position of the next read
  std::string complaint_;
  bool complaint_is_error_ = false;
  TIFF* tiff_ = nullptr;
};

}  // namespace pleat
