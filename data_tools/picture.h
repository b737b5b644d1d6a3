// Pixels in memory between a decoder and the crop, and the rules by which all formats' pixels become 8-bit gray or RGB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pleat {

struct Picture {
  int width = 0, height = 0;
  int channels = 0;                  // gray, gray with alpha, RGB, RGB with alpha
  std::vector<std::uint8_t> values;  // [height, width, channels], interleaved

  std::size_t row_values() const { return static_cast<std::size_t>(width) * static_cast<std::size_t>(channels); }
};

/// Zeros of that size, bytes_per_value for each value.
Picture new_picture(std::size_t width, std::size_t height, int channels, int bytes_per_value = 1);

/// A picture whose values are 16 bits in the machine's order, scaled to 8 bits in place: v / 257, rounded. Throws
/// BadPhoto if it is so dim that fewer than 16 of the 256 levels would remain: 10- or 12-bit values that nobody scaled.
void to_8_bits(Picture& picture);

enum class Alpha {
  kSeparate,       // colours are as they were before
  kPremultiplied,  // colours are multiplied by alpha
};

/// What lies under transparent pixels was never meant to be seen, so they turn white, as most viewers show them. A
/// picture without alpha stays as it is.
void lay_on_white(Picture& picture, Alpha alpha = Alpha::kSeparate);

}  // namespace pleat
