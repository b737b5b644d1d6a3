// Finds the orientation of a photo in its EXIF and XMP, by the rule of Pillow's ImageOps.exif_transpose. PyTorch's
// photo pipelines follow that rule.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace pleat {

/// Returns the orientation, 1 to 8. EXIF decides if it has the field, whatever its value; otherwise XMP does. Returns 1
/// if neither names an orientation, or if the value is not an integer from 1 to 8.
///   exif: a TIFF structure, with or without "Exif\0\0" before it; also a whole TIFF file. Empty: none
///   xmp: an XMP packet. Empty: none
/// Source: EXIF 2.3, tag 0x0112; XMP part 2, tiff:Orientation; Pillow 13, Image.getexif.
int orientation_of(std::span<const std::uint8_t> exif, std::span<const std::uint8_t> xmp);

/// Returns the bytes of a field of a TIFF structure's first directory; none if the field is absent or out of reach. A
/// directory that is cut short has its first fields.
std::optional<std::span<const std::uint8_t>> field_bytes(std::span<const std::uint8_t> tiff, std::uint16_t tag);

/// Returns the bytes in ImageMagick's "Raw profile type exif", a text of a PNG: hexadecimal digits from the fourth line
/// on. Returns none if the text has other digits.
std::vector<std::uint8_t> raw_profile(std::string_view text);

}  // namespace pleat
