// The module libpleat_faces.so: all of pleat that calls OpenCV's face detectors. Of pleat's code, the module uses only
// the interface (face_finder.h).
#include <algorithm>
#include <array>
#include <cmath>
#include <new>
#include <opencv2/dnn.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "data_tools/prepare/face_finder.h"

namespace pleat {
namespace {

// The smallest face that counts; smaller finds are mostly false.
constexpr int kLeastShare = 8;  // of the picture's shorter side

cv::Mat pixels_of(const Picture& picture) {
  if (picture.channels != 3) throw std::logic_error("face detection needs RGB pictures");
  return {picture.height, picture.width, CV_8UC3, const_cast<std::uint8_t*>(picture.values.data())};
}

std::optional<FaceBox> largest_of(const std::vector<cv::Rect>& faces, const cv::Size& size) {
  std::optional<cv::Rect> best;
  for (const cv::Rect& found : faces) {
    const cv::Rect face = found & cv::Rect({0, 0}, size);
    const auto order = [](const cv::Rect& box) { return std::tuple(-box.area(), box.y, box.x); };
    if (face.area() > 0 && (!best || order(face) < order(*best))) best = face;
  }
  if (!best) return std::nullopt;
  return FaceBox{best->x, best->y, best->width, best->height};
}

// Reduces OpenCV's errors, which name source files over several lines, to the reason on one line. Lack of memory stays
// std::bad_alloc, since neither detector nor picture is to blame.
template <class Work>
auto plainly(const Work& work) {
  try {
    return work();
  } catch (const cv::Exception& error) {
    if (error.code == cv::Error::StsNoMem) throw std::bad_alloc();
    std::string what = error.err;
    std::replace(what.begin(), what.end(), '\n', ' ');
    throw std::runtime_error(what);
  }
}

// Source: Viola and Jones 2001. Scale step and number of neighbours are from OpenCV's examples.
class Cascade : public FaceFinder {
 public:
  explicit Cascade(const char* file) {
    if (!cascade_.load(file)) throw std::runtime_error("not a cascade");
  }

  std::optional<FaceBox> largest_face(const Picture& picture) override {
    return plainly([&] { return largest_in(pixels_of(picture)); });
  }

 private:
  std::optional<FaceBox> largest_in(const cv::Mat& rgb) {
    cv::Mat gray;
    cv::cvtColor(rgb, gray, cv::COLOR_RGB2GRAY);
    cv::equalizeHist(gray, gray);
    const int least = std::min(gray.rows, gray.cols) / kLeastShare;
    std::vector<cv::Rect> faces;
    cascade_.detectMultiScale(gray, faces, 1.1, 4, 0, {least, least});
    return largest_of(faces, gray.size());
  }

  cv::CascadeClassifier cascade_;
};

// YuNet (Wu, Peng and Yu 2023), as OpenCV's model zoo exports it since March 2023. cv::FaceDetectorYN reads this export
// only from OpenCV 4.8 on.
class YuNet : public FaceFinder {
 public:
  explicit YuNet(const char* file) : network_(cv::dnn::readNetFromONNX(file)) {
    largest_face({.width = 64, .height = 64, .channels = 3, .values = std::vector<std::uint8_t>(64 * 64 * 3)});
  }  // a trial: a network of another kind fails here, before hours of work

  std::optional<FaceBox> largest_face(const Picture& picture) override {
    if (std::max(picture.width, picture.height) > kSide) throw std::logic_error("too large for the network");
    return plainly([&] { return largest_in(pixels_of(picture)); });
  }

 private:
  std::optional<FaceBox> largest_in(const cv::Mat& rgb) {
    cv::Mat bgr, square;
    cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
    cv::copyMakeBorder(bgr, square, 0, kSide - bgr.rows, 0, kSide - bgr.cols, cv::BORDER_CONSTANT);
    network_.setInput(cv::dnn::blobFromImage(square));
    std::vector<cv::Mat> maps;
    network_.forward(maps, kOutputs);

    std::vector<cv::Rect> boxes, faces;
    std::vector<float> scores;
    for (std::size_t i = 0; i < kStrides.size(); ++i) add_boxes(&maps[3 * i], kStrides[i], boxes, scores);
    std::vector<int> kept;
    cv::dnn::NMSBoxes(boxes, scores, kScore, kOverlap, kept);
    const int least = std::min(bgr.rows, bgr.cols) / kLeastShare;
    for (const int i : kept) {
      const cv::Rect& box = boxes[static_cast<std::size_t>(i)];
      if (std::min(box.width, box.height) >= least) faces.push_back(box);
    }
    return largest_of(faces, bgr.size());
  }

  // maps: class and object scores [1, cells, 1] and boxes [1, cells, 4] of one grid over the picture. A box holds its
  // centre, relative to the cell, and the logarithm of its size, in strides. Values that are not finite are skipped.
  static void add_boxes(const cv::Mat* maps, int stride, std::vector<cv::Rect>& boxes, std::vector<float>& scores) {
    const int side = kSide / stride, cells = side * side;
    if (maps[0].total() != std::size_t(cells) || maps[1].total() != std::size_t(cells) ||
        maps[2].total() != 4 * std::size_t(cells))
      throw std::runtime_error("its outputs are not YuNet's");
    const float *classes = maps[0].ptr<float>(), *objects = maps[1].ptr<float>(), *box = maps[2].ptr<float>();
    for (int cell = 0; cell < cells; ++cell, box += 4) {
      const float score = std::sqrt(std::clamp(classes[cell], 0.0F, 1.0F) * std::clamp(objects[cell], 0.0F, 1.0F));
      if (!(score >= kScore)) continue;
      const float x = static_cast<float>(cell % side) + box[0], y = static_cast<float>(cell / side) + box[1];
      const float width = std::exp(box[2]), height = std::exp(box[3]);
      const std::array numbers = {classes[cell], objects[cell], x, y, width, height};
      if (!std::all_of(numbers.begin(), numbers.end(), [](float number) { return std::isfinite(number); })) continue;
      const auto pixels = [stride](float strides) {
        return cvRound(std::clamp(strides, -1e3F, 1e3F) * static_cast<float>(stride));
      };
      boxes.emplace_back(pixels(x - width / 2), pixels(y - height / 2), pixels(width), pixels(height));
      scores.push_back(score);
    }
  }

  static constexpr int kSide = 320;  // pixels; some exports accept only this size, and no picture is larger
  static constexpr std::array kStrides = {8, 16, 32};
  static constexpr float kScore = 0.6F, kOverlap = 0.3F;
  static inline const std::vector<cv::String> kOutputs = {"cls_8",   "obj_8",  "bbox_8", "cls_16", "obj_16",
                                                          "bbox_16", "cls_32", "obj_32", "bbox_32"};
  cv::dnn::Net network_;
};

}  // namespace
}  // namespace pleat

extern "C" __attribute__((visibility("default"))) pleat::FaceFinder* pleat_face_finder(const char* detector) {
  return pleat::plainly([&]() -> pleat::FaceFinder* {
    if (std::string_view(detector).ends_with(".onnx")) return new pleat::YuNet(detector);
    return new pleat::Cascade(detector);
  });
}
