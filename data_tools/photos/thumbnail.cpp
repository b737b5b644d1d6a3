#include "data_tools/photos/thumbnail.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "data_tools/photos/encode.h"
#include "data_tools/photos/opencv_setup.h"

namespace pleat {

std::string thumbnail_jpeg(const Picture& picture, int longest) {
  constexpr int kQuality = 82;
  quiet_opencv();
  cv::Mat bgr = to_bgr(picture);
  const double scale = static_cast<double>(longest) / std::max(bgr.rows, bgr.cols);
  if (scale < 1) {
    const auto reduced = [scale](int side) { return std::max(1, static_cast<int>(side * scale + 0.5)); };
    cv::resize(bgr, bgr, cv::Size(reduced(bgr.cols), reduced(bgr.rows)), 0, 0, cv::INTER_AREA);
  }
  const std::vector<std::uint8_t> bytes = encode_jpeg(bgr, kQuality);
  return {bytes.begin(), bytes.end()};
}

}  // namespace pleat
