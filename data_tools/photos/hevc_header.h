// Checks the headers of HEVC pictures before libde265 sees them: it would allocate any size that they name, and print
// about some that are broken.
#pragma once

#include <cstdint>
#include <span>

namespace pleat {

/// Looks at the sequence parameter sets of every configuration (hvcC) in a HEIC file.
/// Returns whether they are sound, and no coded picture has more than `most_pixels`.
/// Source: ISO/IEC 14496-15, 8.3.3.1; ITU-T H.265, 7.3.2.2.
bool has_sound_hevc_headers(std::span<const std::uint8_t> file, std::int64_t most_pixels);

}  // namespace pleat
