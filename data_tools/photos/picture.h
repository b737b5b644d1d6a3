// Decoded pixels in memory, and their conversion to 8-bit gray or RGB by the same rules for all formats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pleat {

/// Peculiarities of a photo that are counted in the data report.
struct PhotoNotes {
  bool junk = false;  // bytes that no pixel depends on, where the format has none
  bool dim = false;   // 16 bits per channel, the brightest below a quarter of white
};

struct Picture {
  int width = 0, height = 0;
  int channels = 0;                  // gray, gray with alpha, RGB, RGB with alpha
  std::vector<std::uint8_t> values;  // [height, width, channels], interleaved
  PhotoNotes notes;

  std::size_t row_values() const { return static_cast<std::size_t>(width) * static_cast<std::size_t>(channels); }
};

/// Returns a picture of zeros, with bytes_per_value bytes for each value.
Picture new_picture(std::size_t width, std::size_t height, int channels, int bytes_per_value = 1);

enum class Alpha {
  kSeparate,       // colours are not multiplied by alpha
  kPremultiplied,  // colours are multiplied by alpha
};

/// Blends the picture onto white, as most viewers do, and drops alpha. Colours of transparent pixels are not meant to
/// be seen. A picture without alpha stays unchanged.
void lay_on_white(Picture& picture, Alpha alpha = Alpha::kSeparate);

/// Lays a picture of 16-bit values in the machine's byte order on white, then scales it to 8 bits: v / 257, rounded.
/// Notes a dim picture.
/// Throws: BadPhoto if fewer than 16 of the 256 levels would remain, as for 10- or 12-bit values that are not scaled.
void lay_on_white_in_8_bits(Picture& picture, Alpha alpha = Alpha::kSeparate);

}  // namespace pleat
