// The names inside crops.h5 and the limits that readers accept. Format: docs/formats.md.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pleat::crop_format {

// Attributes of the root group.
inline constexpr char kFormat[] = "format";  // always kFormatName
inline constexpr char kSchema[] = "schema";  // int32; rises with each change of the format that readers must know
inline constexpr char kFormatName[] = "pleat crops";
inline constexpr std::int32_t kSchemaVersion = 1;

inline constexpr char kImages[] = "images";          // uint8 [N, H, W, C]
inline constexpr char kValid[] = "valid";            // uint8 [N], 1 or 0; rows that are not valid have no pixels
inline constexpr char kCrc32[] = "crc32";            // uint32 little-endian [N] over the row's pixels; 0 if not valid
inline constexpr char kTable[] = "table";            // group; links in column order, each to UTF-8 [N], NUL-padded
inline constexpr char kColumnCrc32[] = "crc32";      // attribute of each column: uint32 over all its bytes
inline constexpr char kProvenance[] = "provenance";  // group without members, one string attribute per fact

inline constexpr std::size_t kAlignment = 4096;  // bytes; the images start on a page of their own

// Larger than any sensible use, but small enough that products fit 64 bits.
inline constexpr std::size_t kMaxRows = std::size_t{1} << 31;
inline constexpr int kMaxSide = 1 << 14;            // pixels
inline constexpr std::size_t kMaxColumns = 1024;    // of the table
inline constexpr std::size_t kMaxText = 4096;       // bytes of a value or a name
inline constexpr std::size_t kMaxProvenance = 256;  // facts

}  // namespace pleat::crop_format
