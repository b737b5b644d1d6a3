#include "data_tools/prepare/background.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <new>
#include <opencv2/imgproc.hpp>

#include "data_tools/photos/area_resize.h"

namespace pleat {
namespace {

constexpr int kLongerSide = 160;  // pixels of GrabCut's picture; its time grows with their number
constexpr int kRounds = 4;        // later rounds change little
constexpr unsigned kGray = 128;

// The shown part and a margin around the face, in face widths and heights: GrabCut needs enough background.
PhotoBox context_of(const PhotoBox& face, const PhotoBox& shown, const Photo& photo) {
  const auto left = std::min(shown.left, face.left - face.width), top = std::min(shown.top, face.top - face.height);
  const auto right = std::max(shown.left + shown.width, face.left + 2 * face.width);
  const auto bottom = std::max(shown.top + shown.height, face.top + 5 * face.height / 2);
  PhotoBox box{std::max<std::int64_t>(0, left), std::max<std::int64_t>(0, top)};
  box.width = std::min(photo.width(), right) - box.left;
  box.height = std::min(photo.height(), bottom) - box.top;
  return box;
}

// A face's centre and size, in pixels of GrabCut's picture.
struct Head {
  double x, y, width, height;

  void ellipse(cv::Mat& labels, double across, double down, int label) const {
    cv::ellipse(labels, cv::RotatedRect({float(x), float(y)}, {float(across * width), float(down * height)}, 0),
                cv::Scalar(label), cv::FILLED);
  }

  // Marks the body from the chin to the picture's lower edge, `wide` times the width of a person's shoulders.
  void body(cv::Mat& labels, double wide, int label) const {
    const double chin = y + 0.5 * height, shoulder = y + 1.1 * height, floor = labels.rows;
    std::vector<cv::Point> outline;
    const auto add = [&](double across, double down) {
      outline.emplace_back(cvRound(x + across * width), cvRound(down));
    };
    for (const double side : {-1.0, 1.0}) {
      const std::array<std::pair<double, double>, 3> corners = {{{0.4, chin}, {1.3, shoulder}, {1.5, floor}}};
      for (int i = 0; i < 3; ++i) {
        const auto& [across, down] = corners[static_cast<std::size_t>(side < 0 ? 2 - i : i)];
        add(side * wide * across, down);
      }
    }
    cv::fillPoly(labels, std::vector{outline}, cv::Scalar(label));
  }
};

cv::Mat guess(const Head& head, const cv::Size& size) {
  cv::Mat labels(size, CV_8UC1, cv::Scalar(cv::GC_BGD));
  head.ellipse(labels, 2.2, 2.6, cv::GC_PR_BGD);
  head.body(labels, 1.5, cv::GC_PR_BGD);
  head.body(labels, 1.0, cv::GC_PR_FGD);
  head.ellipse(labels, 1.4, 1.7, cv::GC_PR_FGD);
  head.ellipse(labels, 0.7, 0.8, cv::GC_FGD);
  return labels;
}

// GrabCut fits a colour model to the person and to the background, so each needs a pixel.
bool has_both(const cv::Mat& labels) {
  const int person = cv::countNonZero(labels & 1);
  return person > 0 && person < labels.rows * labels.cols;
}

// Returns 255 where the person is, 0 elsewhere.
cv::Mat cut_out(const cv::Mat& bgr, const Head& head) {
  cv::Mat labels = guess(head, bgr.size());
  if (has_both(labels)) {
    cv::theRNG().state = 1;  // GrabCut draws from the thread's generator; earlier photos change its state
    cv::Mat background, foreground;
    cv::grabCut(bgr, labels, {}, background, foreground, kRounds, cv::GC_INIT_WITH_MASK);
  }
  cv::Mat person = labels & 1;
  const cv::Point middle(std::clamp(cvRound(head.x), 0, bgr.cols - 1), std::clamp(cvRound(head.y), 0, bgr.rows - 1));
  // Opening cuts thin bridges to the background. It may remove a face of a few pixels, hence the line after it.
  cv::morphologyEx(person, person, cv::MORPH_OPEN, cv::getStructuringElement(cv::MORPH_ELLIPSE, {3, 3}));
  person.at<std::uint8_t>(middle) = 1;
  cv::floodFill(person, middle, cv::Scalar(255));
  return person == 255;
}

// Lack of memory is not the photo's fault; OpenCV's other errors are.
cv::Mat cut_out_or_refuse(const cv::Mat& bgr, const Head& head) {
  try {
    return cut_out(bgr, head);
  } catch (const cv::Exception& error) {
    if (error.code == cv::Error::StsNoMem) throw std::bad_alloc();
    throw BadPhoto("its background cannot be removed (" + error.err + "); leave it out");
  }
}

}  // namespace

Picture person_of(Photo& photo, const PhotoBox& face, const PhotoBox& shown, int height, int width) {
  const PhotoBox box = context_of(face, shown, photo);
  const double scale = std::min(1.0, kLongerSide / static_cast<double>(std::max(box.width, box.height)));
  const int rows = std::max(1, static_cast<int>(std::lround(static_cast<double>(box.height) * scale)));
  const int columns = std::max(1, static_cast<int>(std::lround(static_cast<double>(box.width) * scale)));
  Picture context = new_picture(std::size_t(columns), std::size_t(rows), 3);
  photo.draw(box, rows, columns, context.values);
  cv::Mat bgr;
  cv::cvtColor(cv::Mat(rows, columns, CV_8UC3, context.values.data()), bgr, cv::COLOR_RGB2BGR);
  const double down = rows / static_cast<double>(box.height), across = columns / static_cast<double>(box.width);
  const Head head{.x = (double(face.left - box.left) + 0.5 * double(face.width)) * across,
                  .y = (double(face.top - box.top) + 0.5 * double(face.height)) * down,
                  .width = double(face.width) * across,
                  .height = double(face.height) * down};
  const cv::Mat person = cut_out_or_refuse(bgr, head);
  Picture mask = new_picture(std::size_t(columns), std::size_t(rows), 1);
  person.copyTo(cv::Mat(rows, columns, CV_8UC1, mask.values.data()));
  return area_resize(mask, area_taps({double(shown.top - box.top) * down, double(shown.height) * down}, rows, height),
                     area_taps({double(shown.left - box.left) * across, double(shown.width) * across}, columns, width));
}

void gray_out_background(const Picture& person, std::span<std::uint8_t> rgb) {
  for (std::size_t i = 0; i < rgb.size(); ++i) {
    const unsigned share = person.values[i / 3];
    rgb[i] = static_cast<std::uint8_t>((rgb[i] * share + kGray * (255 - share) + 127) / 255);
  }
}

}  // namespace pleat
