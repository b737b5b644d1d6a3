// Decodes small GIFs made by hand. tests/parity/photo_test.py compares more kinds with Pillow.
#include <gmock/gmock.h>

#include "data_tools/photos/formats.h"
#include "data_tools/pictures.h"

namespace pleat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A screen of 2x2 with four colours and a picture of 1x1 with one colour, at the lower right.
Bytes small_gif(std::uint8_t index, bool clear = false, std::uint8_t at = 1) {
  Bytes gif = {'G', 'I', 'F', '8', '9', 'a', 2, 0,   2, 0, 0x91, 0,  0,  // a palette of four
               9,   9,   9,   255, 0,   0,   0, 255, 0, 0, 0,    255};   // gray, red, green, blue
  if (clear) gif.insert(gif.end(), {0x21, 0xF9, 4, 1, 0, 0, index, 0});
  gif.insert(gif.end(), {0x2C, at, 0, at, 0, 1, 0, 1, 0, 0, 2});                   // codes of 3 bits
  const auto codes = static_cast<std::uint8_t>(4 | index << 3 | (5 << 6 & 0xFF));  // clear, the index, end
  gif.insert(gif.end(), {2, codes, 5 >> 2, 0, 0x3B});
  return gif;
}

TEST(Gif, APictureLiesOnItsScreen) {
  EXPECT_THAT(decode_gif(small_gif(2)).values, ElementsAre(9, 9, 9, 9, 9, 9, 9, 9, 9, 0, 255, 0));
  EXPECT_THAT(decode_gif(small_gif(2, true)).values, testing::Each(255)) << "all is clear";
  EXPECT_EQ(read_gif_header(small_gif(2, false, 3)).width, 4) << "the screen grows";
  EXPECT_EQ(decode_gif(small_gif(2, false, 3)).values.size(), 4U * 4 * 3);
}

TEST(Gif, DamageIsNamed) {
  Bytes lacking = small_gif(3);
  lacking[10] = 0x90;                                         // a palette of two …
  lacking.erase(lacking.begin() + 19, lacking.begin() + 25);  // … of which the picture uses the fourth
  const auto reason_of = [](const Bytes& gif) -> std::string {
    try {
      read_gif_header(gif);
      decode_gif(gif);
      return "accepted";
    } catch (const BadPhoto& bad) {
      return bad.what();
    }
  };
  EXPECT_EQ(reason_of(small_gif(3)), "accepted");
  EXPECT_THAT(reason_of(lacking), HasSubstr("colours that its palette lacks"));
  Bytes ended = small_gif(3);
  ended[ended.size() - 4] = 4 | 5 << 3;  // clear, end: no pixel
  EXPECT_THAT(reason_of(ended), HasSubstr("GIF cannot be decoded"));
  for (std::size_t size = 6; size < small_gif(3).size(); ++size) {
    Bytes cut = small_gif(3);
    cut.resize(size);
    EXPECT_THAT(reason_of(cut), HasSubstr("GIF is cut short")) << size;
  }
}

}  // namespace
}  // namespace pleat
