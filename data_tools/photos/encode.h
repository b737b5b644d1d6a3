// Encodes pictures as JPEG and PNG.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

#include "data_tools/photos/picture.h"

namespace pleat {

/// Returns the picture in OpenCV's order, CV_8UC3.
/// Requires: a picture of one channel (gray) or three.
cv::Mat to_bgr(const Picture& picture);

/// Returns the picture as baseline JPEG with colours at half resolution.
/// bgr: CV_8UC3 in OpenCV's order. quality: 1 to 100, as libjpeg counts it.
/// Throws: std::runtime_error with the library's reason.
std::vector<std::uint8_t> encode_jpeg(const cv::Mat& bgr, int quality);

/// Returns the picture as PNG in 8-bit RGB.
/// bgr: CV_8UC3 in OpenCV's order.
/// Throws: std::runtime_error with the library's reason.
std::vector<std::uint8_t> encode_png(const cv::Mat& bgr);

}  // namespace pleat
