// How the rows of a TIFF file are packed. Source: TIFF 6.0 (sections 9 and 13) and Adobe's TIFF technical notes.
#pragma once

#include <cstdint>
#include <span>

namespace pleat {

enum class TiffCompression { kNone, kPackBits, kLzw, kDeflate };

/// Fills `pixels`. False if the strip holds less, or is not what a packer writes (for deflate, its checksum too).
bool unpack_strip(std::span<const std::uint8_t> strip, TiffCompression compression, std::span<std::uint8_t> pixels);

}  // namespace pleat
