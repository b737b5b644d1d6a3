#include "data_tools/drawn_faces/canvas.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

namespace pleat {
namespace {

constexpr int kFixedBits = 4;  // sixteenths of a pixel
constexpr int kPiecesPerPoint = 8;
constexpr double kHeadWidth = 0.85, kHeadHeight = 1.25, kHeadDepth = 0.75;  // half axes of the ellipsoid under the skin
constexpr double kNeck = 0.95;                                              // the head tilts about this height
constexpr double kBodyRoll = 0.25;                      // share of the head's tilt that the shoulders follow
constexpr double kNearness = 0.10;                      // growth per unit nearer to the camera
constexpr double kLeastPixels = 0.3, kMostPixels = 40;  // limits of softness

cv::Point2d tilt(cv::Point2d point, double roll) {
  const double c = std::cos(roll), s = std::sin(roll), y = point.y - kNeck;
  return {c * point.x - s * y, s * point.x + c * y + kNeck};
}

cv::Point2d catmull_rom(const cv::Point2d& a, const cv::Point2d& b, const cv::Point2d& c, const cv::Point2d& d,
                        double t) {
  const double t2 = t * t, t3 = t2 * t;
  return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t2 + (3 * b - a - 3 * c + d) * t3);
}

}  // namespace

cv::Point2d Canvas::pixel_of(cv::Point2d point, bool on_head) const {
  double size = pose_.scale;
  if (on_head) {
    const double x = point.x / kHeadWidth, y = point.y / kHeadHeight;
    const double z = kHeadDepth * std::sqrt(std::max(0.0, 1 - x * x - y * y));
    const double turned = z * std::cos(pose_.yaw) - point.x * std::sin(pose_.yaw);
    point.x = point.x * std::cos(pose_.yaw) + z * std::sin(pose_.yaw);
    point.y = point.y * std::cos(pose_.pitch) + turned * std::sin(pose_.pitch);
    size *= 1 + kNearness * (turned - z);
  }
  point = tilt(point, on_head ? pose_.roll : pose_.roll * kBodyRoll);
  const double near = std::max(0.5, 1 + pose_.keystone.x * point.x + pose_.keystone.y * point.y);
  return pose_.center + point * (size / near);
}

std::vector<cv::Point> Canvas::fixed_points(const Curve& curve, bool on_head) const {
  std::vector<cv::Point> fixed;
  fixed.reserve(curve.size());
  for (const cv::Point2d& point : curve) {
    const cv::Point2d pixel = pixel_of(point, on_head) * (1 << kFixedBits);
    fixed.emplace_back(cvRound(pixel.x), cvRound(pixel.y));
  }
  return fixed;
}

// Returns the part of the image that holds the points and a margin of pixels around them.
cv::Rect Canvas::box_of(const std::vector<cv::Point>& fixed, double margin) const {
  const cv::Rect box = cv::boundingRect(fixed);
  const int pad = static_cast<int>(std::ceil(margin)) + 2;
  const cv::Rect pixels((box.x >> kFixedBits) - pad, (box.y >> kFixedBits) - pad,
                        (box.width >> kFixedBits) + 2 * pad + 1, (box.height >> kFixedBits) + 2 * pad + 1);
  return pixels & cv::Rect(0, 0, image_.cols, image_.rows);
}

namespace {

void move_into(std::vector<cv::Point>& fixed, const cv::Rect& box) {
  for (cv::Point& point : fixed) point -= cv::Point(box.x << kFixedBits, box.y << kFixedBits);
}

}  // namespace

void Canvas::blend(const cv::Mat& coverage, const cv::Rect& box, const Paint& paint) {
  const int alpha = cvRound(256 * std::clamp(paint.alpha, 0.0, 1.0));
  const int color[3] = {cvRound(paint.color[0]), cvRound(paint.color[1]), cvRound(paint.color[2])};
  for (int y = 0; y < box.height; ++y) {
    const std::uint8_t* share = coverage.ptr(y);
    auto* pixel = image_.ptr<cv::Vec3b>(box.y + y) + box.x;
    for (int x = 0; x < box.width; ++x) {
      if (share[x] == 0) continue;
      const int weight = alpha * share[x];  // of 256 * 255
      for (int c = 0; c < 3; ++c) {
        const int from = pixel[x][c];
        pixel[x][c] = cv::saturate_cast<std::uint8_t>(from + (color[c] - from) * weight / (256 * 255));
      }
    }
  }
}

Canvas::Area Canvas::area_of(std::vector<cv::Point> fixed, const Paint& paint) const {
  const double sigma = std::min(paint.softness * pose_.scale, kMostPixels);
  const cv::Rect box = box_of(fixed, 3 * sigma);
  if (box.empty()) return {};
  move_into(fixed, box);
  cv::Mat coverage = cv::Mat::zeros(box.size(), CV_8U);
  cv::fillPoly(coverage, std::vector{fixed}, 255, cv::LINE_AA, kFixedBits);
  soften(coverage, sigma);
  return {coverage, box};
}

void Canvas::fill(const Curve& outline, const Paint& paint) {
  std::vector<cv::Point> fixed = fixed_points(outline, paint.on_head);
  if (paint.alpha >= 1 && paint.softness <= 0) {
    cv::fillPoly(image_, std::vector{fixed}, paint.color, cv::LINE_AA, kFixedBits);
    return;
  }
  const auto [coverage, box] = area_of(std::move(fixed), paint);
  blend(coverage, box, paint);
}

// A line below one pixel gets fainter, not thinner.
void Canvas::stroke(const Curve& line, double width, const Paint& paint) {
  std::vector<cv::Point> fixed = fixed_points(line, paint.on_head);
  const double pixels = width * pose_.scale, sigma = std::min(paint.softness * pose_.scale, kMostPixels);
  const int thickness = std::max(1, cvRound(pixels));
  Paint fainter = paint;
  fainter.alpha *= std::min(1.0, pixels);
  const cv::Rect box = box_of(fixed, 3 * sigma + thickness);
  if (box.empty()) return;
  move_into(fixed, box);
  cv::Mat coverage = cv::Mat::zeros(box.size(), CV_8U);
  cv::polylines(coverage, std::vector{fixed}, false, 255, thickness, cv::LINE_AA, kFixedBits);
  soften(coverage, sigma);
  blend(coverage, box, fainter);
}

void Canvas::within(const Curve& outline, const Paint& edge, const std::function<void(Canvas&)>& draw) {
  Canvas layer(image_.clone(), pose_);
  draw(layer);
  const auto [coverage, box] = area_of(fixed_points(outline, edge.on_head), edge);
  for (int y = 0; y < box.height; ++y) {
    const std::uint8_t* share = coverage.ptr(y);
    const auto* from = layer.image_.ptr<cv::Vec3b>(box.y + y) + box.x;
    auto* to = image_.ptr<cv::Vec3b>(box.y + y) + box.x;
    for (int x = 0; x < box.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        to[x][c] = static_cast<std::uint8_t>(to[x][c] + (from[x][c] - to[x][c]) * share[x] / 255);
      }
    }
  }
}

Curve smooth(const Curve& points, bool closed) {
  const auto count = static_cast<int>(points.size());
  const auto at = [&](int i) {
    return points[static_cast<std::size_t>(closed ? (i + count) % count : std::clamp(i, 0, count - 1))];
  };
  Curve curve;
  for (int i = 0; i < (closed ? count : count - 1); ++i) {
    for (int piece = 0; piece < kPiecesPerPoint; ++piece) {
      curve.push_back(
          catmull_rom(at(i - 1), at(i), at(i + 1), at(i + 2), static_cast<double>(piece) / kPiecesPerPoint));
    }
  }
  if (!closed) curve.push_back(points.back());
  return curve;
}

Curve symmetric(const Curve& right_half) {
  Curve points = right_half;
  for (std::size_t i = right_half.size() - 1; i-- > 1;) points.emplace_back(-right_half[i].x, right_half[i].y);
  return smooth(points, true);
}

Curve mirrored(Curve curve) {
  for (cv::Point2d& point : curve) point.x = -point.x;
  return curve;
}

Curve ellipse(cv::Point2d center, double half_width, double half_height) {
  constexpr int kPoints = 24;
  Curve curve;
  for (int i = 0; i < kPoints; ++i) {
    const double angle = 2 * std::numbers::pi * i / kPoints;
    curve.emplace_back(center.x + half_width * std::cos(angle), center.y + half_height * std::sin(angle));
  }
  return curve;
}

// Blurs by two boxes: a Gaussian of that width costs several times as much and looks the same.
void soften(cv::Mat& picture, double sigma) {
  if (sigma < kLeastPixels) return;
  const int side = std::max(2, cvRound(std::sqrt(6 * sigma * sigma + 1)));
  const int odd = side | 1;
  cv::blur(picture, picture, {odd, odd});
  cv::blur(picture, picture, {odd, odd});
}

Color mix(const Color& from, const Color& to, double share) { return from + (to - from) * share; }

Color shaded(const Color& color, double factor) { return color * factor; }

}  // namespace pleat
