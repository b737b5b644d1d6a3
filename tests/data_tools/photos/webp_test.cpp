#include <gmock/gmock.h>

#include <string>
#include <utility>

#include "data_tools/photos/formats.h"

namespace pleat {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;

// A header of 40x30 pixels that is not a key frame, so OpenCV's WebP decoder does not accept it.
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
  // OpenCV gives files with these marks to GDCM, which ends the process over some, and to GDAL, which needs a file.
  for (const auto& [at, mark] : {std::pair{128, "DICM"}, {140, "DTED"}}) {
    std::string file = kBroken;
    file.replace(static_cast<std::size_t>(at), 4, mark);
    EXPECT_EQ(read_image_header(bytes_of(file)).width, 40) << mark;  // so the decoder is reached
    testing::internal::CaptureStderr();
    EXPECT_THAT(refusal(file), HasSubstr("WebP cannot be decoded")) << mark;
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << mark;  // those libraries would print here
  }
}

}  // namespace
}  // namespace pleat
