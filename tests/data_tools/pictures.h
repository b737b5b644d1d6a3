// Makes pictures for tests: encoded in memory, with an odd header if wanted.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <vector>

namespace pleat {

using Bytes = std::vector<std::uint8_t>;

inline Bytes encode(const cv::Mat& image, const std::string& extension) {
  Bytes bytes;
  cv::imencode(extension, image, bytes,
               extension == ".jpg" ? std::vector<int>{cv::IMWRITE_JPEG_QUALITY, 95} : std::vector<int>{});
  return bytes;
}

// Four quarters of one colour each, which reveal every turn and flip: red, green / blue, white.
inline cv::Mat quarters(int height, int width) {
  cv::Mat image(height, width, CV_8UC3);
  const cv::Scalar red(0, 0, 255), green(0, 255, 0), blue(255, 0, 0), white(255, 255, 255);
  const int y = height / 2, x = width / 2;
  image(cv::Rect(0, 0, x, y)) = red;
  image(cv::Rect(x, 0, width - x, y)) = green;
  image(cv::Rect(0, y, x, height - y)) = blue;
  image(cv::Rect(x, y, width - x, height - y)) = white;
  return image;
}

// Inserts an EXIF segment with this orientation after the start marker.
inline Bytes with_orientation(Bytes jpeg, std::uint8_t orientation) {
  const Bytes segment = {0xFF, 0xE1, 0, 34, 'E', 'x', 'i', 'f', 0, 0,  // APP1 of 34 bytes
                         'M',  'M',  0, 42, 0,   0,   0,   8,          // big-endian TIFF, first directory at 8
                         0,    1,                                      // one entry:
                         0x01, 0x12, 0, 3,  0,   0,   0,   1,   0, orientation,  // orientation, one short
                         0,    0,    0, 0,  0,   0};                             // padding, no further directory
  jpeg.insert(jpeg.begin() + 2, segment.begin(), segment.end());
  return jpeg;
}

}  // namespace pleat
