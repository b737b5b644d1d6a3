#include "data_tools/photos/encode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "data_tools/photos/formats.h"
#include "data_tools/pictures.h"

namespace pleat {
namespace {

// The largest difference of a decoded RGB picture from the BGR pixels that were encoded.
int largest_difference(const Picture& read, const cv::Mat& bgr) {
  int largest = 0;
  for (int y = 0; y < bgr.rows; ++y) {
    for (int x = 0; x < bgr.cols; ++x) {
      const std::uint8_t* rgb = read.values.data() + static_cast<std::size_t>(y) * read.row_values() + 3 * x;
      for (int c = 0; c < 3; ++c) largest = std::max(largest, std::abs(int(rgb[c]) - int(bgr.at<cv::Vec3b>(y, x)[2 - c])));
    }
  }
  return largest;
}

TEST(Encode, PngKeepsEveryPixel) {
  const cv::Mat image = quarters(10, 14);
  const Picture read = decode_png(encode_png(image));
  ASSERT_EQ(std::vector({read.height, read.width, read.channels}), std::vector({10, 14, 3}));
  EXPECT_EQ(largest_difference(read, image), 0);
}

TEST(Encode, PngOfAPartOfAPictureTakesThatPart) {
  const cv::Mat image = quarters(10, 14), part = image(cv::Rect(7, 0, 7, 5));
  EXPECT_EQ(largest_difference(decode_png(encode_png(part)), part), 0);
}

TEST(Encode, JpegHasTheSamePixelsAsOpenCvs) {
  const cv::Mat image = quarters(40, 56);
  for (const int quality : {55, 95, 100}) {
    Bytes expected;
    cv::imencode(".jpg", image, expected, {cv::IMWRITE_JPEG_QUALITY, quality});
    EXPECT_EQ(decode_jpeg(encode_jpeg(image, quality), 1).values, decode_jpeg(expected, 1).values) << quality;
  }
}

TEST(Encode, OtherPicturesThanBgrAreRefused) {
  EXPECT_THROW(encode_jpeg(cv::Mat(4, 4, CV_8UC1), 90), std::runtime_error);
  EXPECT_THROW(encode_png(cv::Mat()), std::runtime_error);
}

}  // namespace
}  // namespace pleat
