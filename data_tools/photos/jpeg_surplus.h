// Decides whether bytes behind a JPEG's coded data are junk, or whether the decoder lost pixels before them.
#pragma once

#include <cstdint>
#include <cstdio>  // jpeglib.h needs it first
#include <span>

struct jpeg_decompress_struct;

namespace pleat {

/// Returns whether no pixel depends on the bytes: they are zeros or one repeated byte. Some cameras pad files this way.
bool is_padding(std::span<const std::uint8_t> bytes);

/// Returns whether the coded data of a sequential scan is whole although bytes are left behind it. The last block must
/// be followed by one-bits up to the byte's end (ISO/IEC 10918-1, F.1.2.3). The bytes left must not be further blocks:
/// after damage, the decoder finds the blocks again, but too late, and the last ones are left.
///   coded: from the scan's first byte to the marker behind it
///   scan: libjpeg's view of the scan, which it has decoded without a warning
/// Returns false for a kind of scan that it does not read: progressive, arithmetic, one of several.
bool is_whole_scan(std::span<const std::uint8_t> coded, const jpeg_decompress_struct& scan);

}  // namespace pleat
