#include "data_tools/photos/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "data_tools/photos/image_header.h"

namespace pleat {
namespace {

constexpr unsigned kDimmest = 4096;  // of 65,535

bool has_alpha(const Picture& picture) { return picture.channels % 2 == 0; }

std::uint16_t value_16(const std::uint8_t* values, std::size_t i) {
  std::uint16_t value = 0;
  std::memcpy(&value, values + 2 * i, sizeof(value));
  return value;
}

// The brightest colour value. Alpha does not count: it is 65,535 in opaque photos, however dim the colours are.
unsigned brightest(const Picture& picture, std::size_t count) {
  const auto channels = static_cast<std::size_t>(picture.channels);
  const std::size_t colours = channels - (has_alpha(picture) ? 1 : 0);
  unsigned most = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % channels < colours) most = std::max<unsigned>(most, value_16(picture.values.data(), i));
  }
  return most;
}

}  // namespace

Picture new_picture(std::size_t width, std::size_t height, int channels, int bytes_per_value) {
  return {.width = static_cast<int>(width),
          .height = static_cast<int>(height),
          .channels = channels,
          .values = std::vector<std::uint8_t>(width * height * std::size_t(channels) * std::size_t(bytes_per_value))};
}

void to_8_bits(Picture& picture) {
  const std::size_t count = picture.values.size() / 2;
  if (const unsigned most = brightest(picture, count); most < kDimmest) {
    throw BadPhoto(fmt::format(
        "16-bit picture whose brightest value is {} of 65535: it would come out black; scale it to 8 bits", most));
  }
  std::uint8_t* values = picture.values.data();
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<std::uint8_t>((value_16(values, i) + 128U) / 257U);  // in place: reads stay ahead of writes
  picture.values.resize(count);
}

void lay_on_white(Picture& picture, Alpha alpha) {
  if (!has_alpha(picture)) return;
  const auto colours = static_cast<std::size_t>(picture.channels - 1);
  const std::size_t pixels = picture.values.size() / (colours + 1);
  const std::uint8_t* from = picture.values.data();
  std::uint8_t* to = picture.values.data();
  for (std::size_t i = 0; i < pixels; ++i, from += colours + 1) {
    const unsigned opaque = from[colours], white = 255U * (255U - opaque);
    for (std::size_t c = 0; c < colours; ++c) {
      const unsigned colour = alpha == Alpha::kSeparate ? from[c] * opaque : std::min<unsigned>(from[c], opaque) * 255U;
      *to++ = static_cast<std::uint8_t>((colour + white + 127U) / 255U);
    }
  }
  picture.channels -= 1;
  picture.values.resize(pixels * colours);
}

}  // namespace pleat
