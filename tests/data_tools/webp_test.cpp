#include <gmock/gmock.h>

#include <string>
#include <utility>

#include "data_tools/formats.h"

namespace pleat {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;

// A header of 40x30 pixels that says, besides, that it is no key frame: OpenCV's own decoder for WebP does not know it.
const std::string kBroken = "RIFF\xD0\0\0\0WEBPVP8 \xC4\0\0\0\x01\0\0\x9D\x01\x2A\x28\0\x1E\0"s + std::string(186, 'x');

FileBytes bytes_of(const std::string& file) {
  return {reinterpret_cast<const std::uint8_t*>(file.data()), file.size()};
}

std::string refusal(const std::string& file) {
  try {
    decode_webp(bytes_of(file));
  } catch (const BadPhoto& bad) {
    return bad.what();
  }
  return "accepted";
}

TEST(Webp, IsNeverGivenToADecoderOfAnotherFormat) {
  // By these marks OpenCV knows files for GDCM, which ends the process over some, and for GDAL, which wants a file.
  for (const auto& [at, mark] : {std::pair{128, "DICM"}, {140, "DTED"}}) {
    std::string file = kBroken;
    file.replace(static_cast<std::size_t>(at), 4, mark);
    EXPECT_EQ(read_image_header(bytes_of(file)).width, 40) << mark;  // else it would not come that far
    testing::internal::CaptureStderr();
    EXPECT_THAT(refusal(file), HasSubstr("WebP cannot be decoded")) << mark;
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << mark;  // what those would say of it
  }
}

}  // namespace
}  // namespace pleat
