// Unpacks the strips of a TIFF file. Source: TIFF 6.0 (sections 9 and 13) and Adobe's TIFF technical notes.
#pragma once

#include <cstdint>
#include <span>

namespace pleat {

enum class TiffCompression { kNone, kPackBits, kLzw, kDeflate };

/// Fills `pixels`. Returns false if the strip is too short or damaged; deflate's checksum is checked too.
bool unpack_strip(std::span<const std::uint8_t> strip, TiffCompression compression, std::span<std::uint8_t> pixels);

}  // namespace pleat
