#include "data_tools/photos/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "data_tools/photos/image_header.h"

namespace pleat {
namespace {

// Of 65,535. Values of 12 bits end below the first, values of 14 bits below the second.
constexpr unsigned kDimmest = 4096, kDim = 16384;

bool has_alpha(const Picture& picture) { return picture.channels % 2 == 0; }

template <class Value>
Value value_at(const std::uint8_t* values, std::size_t i) {
  Value value;
  std::memcpy(&value, values + sizeof(Value) * i, sizeof(Value));
  return value;
}

// In place: writes stay behind reads.
template <class Value>
void blend(Picture& picture, Alpha alpha) {
  if (!has_alpha(picture)) return;
  using Wide = std::conditional_t<sizeof(Value) == 1, std::uint32_t, std::uint64_t>;  // holds products
  constexpr Wide kWhite = static_cast<Value>(-1);
  const auto colours = static_cast<std::size_t>(picture.channels - 1);
  const std::size_t pixels = picture.values.size() / sizeof(Value) / (colours + 1);
  const std::uint8_t* from = picture.values.data();
  std::uint8_t* to = picture.values.data();
  for (std::size_t i = 0; i < pixels; ++i, from += (colours + 1) * sizeof(Value)) {
    const Wide opaque = value_at<Value>(from, colours), white = kWhite * (kWhite - opaque);
    for (std::size_t c = 0; c < colours; ++c, to += sizeof(Value)) {
      const Wide value = value_at<Value>(from, c);
      const Wide colour = alpha == Alpha::kSeparate ? value * opaque : std::min(value, opaque) * kWhite;
      const auto blended = static_cast<Value>((colour + white + kWhite / 2) / kWhite);
      std::memcpy(to, &blended, sizeof(Value));
    }
  }
  picture.channels -= 1;
  picture.values.resize(pixels * colours * sizeof(Value));
}

}  // namespace

Picture new_picture(std::size_t width, std::size_t height, int channels, int bytes_per_value) {
  return {.width = static_cast<int>(width),
          .height = static_cast<int>(height),
          .channels = channels,
          .values = std::vector<std::uint8_t>(width * height * std::size_t(channels) * std::size_t(bytes_per_value)),
          .notes = {}};
}

void lay_on_white(Picture& picture, Alpha alpha) { blend<std::uint8_t>(picture, alpha); }

void lay_on_white_in_8_bits(Picture& picture, Alpha alpha) {
  blend<std::uint16_t>(picture, alpha);
  const std::size_t count = picture.values.size() / 2;
  std::uint8_t* values = picture.values.data();
  unsigned brightest = 0;
  for (std::size_t i = 0; i < count; ++i) {  // in place: reads stay ahead of writes
    const unsigned value = value_at<std::uint16_t>(values, i);
    brightest = std::max(brightest, value);
    values[i] = static_cast<std::uint8_t>((value + 128U) / 257U);
  }
  if (brightest < kDimmest) {
    throw BadPhoto(fmt::format(
        "16-bit picture whose brightest value is {} of 65535: it would come out black; scale it to 8 bits", brightest));
  }
  picture.notes.dim = brightest < kDim;
  picture.values.resize(count);
}

}  // namespace pleat
