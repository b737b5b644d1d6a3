// Draws on a photo in face coordinates: x to the viewer's right, y down, origin between eyes and nose, chin at y = 1,
// temples near x = ±0.8. The pose turns the coordinates into pixels.
#pragma once

#include <functional>
#include <opencv2/core.hpp>
#include <vector>

namespace pleat {

using Color = cv::Scalar;                // BGR, 0 to 255
using Curve = std::vector<cv::Point2d>;  // in face coordinates

/// The position of the head before the camera.
struct Pose {
  double yaw = 0, pitch = 0, roll = 0;  // radians
  double scale = 110;                   // pixels per unit
  cv::Point2d center{192, 230};         // pixels; the face's origin if it looks straight ahead
  cv::Point2d keystone;                 // mild perspective: shrinkage per unit to the right and down
};

struct Paint {
  Color color;
  double alpha = 1;
  double softness = 0;  // standard deviation of the edge's blur, in units
  bool on_head = true;  // turns with the head; otherwise stays with the body
};

class Canvas {
 public:
  Canvas(cv::Mat image, const Pose& pose) : image_(std::move(image)), pose_(pose) {}

  void fill(const Curve& outline, const Paint& paint);
  void stroke(const Curve& line, double width, const Paint& paint);  // width in units

  /// Runs `draw` and keeps its paint inside the outline only.
  void within(const Curve& outline, const Paint& edge, const std::function<void(Canvas&)>& draw);

  cv::Point2d pixel_of(cv::Point2d point, bool on_head) const;
  const Pose& pose() const { return pose_; }
  cv::Mat& image() { return image_; }

 private:
  struct Area {
    cv::Mat coverage;  // uint8, the share of each pixel in the box
    cv::Rect box;      // in the image; empty if the outline is outside
  };
  Area area_of(std::vector<cv::Point> fixed, const Paint& paint) const;
  void blend(const cv::Mat& coverage, const cv::Rect& box, const Paint& paint);
  std::vector<cv::Point> fixed_points(const Curve& curve, bool on_head) const;
  cv::Rect box_of(const std::vector<cv::Point>& fixed, double margin) const;

  cv::Mat image_;  // uint8 BGR
  Pose pose_;
};

/// A smooth curve through the points (Catmull-Rom).
Curve smooth(const Curve& points, bool closed);

/// Completes the right half, given from the top of the middle line to its bottom, to a closed, smooth outline.
Curve symmetric(const Curve& right_half);

Curve mirrored(Curve curve);
Curve ellipse(cv::Point2d center, double half_width, double half_height);

/// Blurs by about `sigma`, a standard deviation in pixels.
void soften(cv::Mat& picture, double sigma);

Color mix(const Color& from, const Color& to, double share);
Color shaded(const Color& color, double factor);

}  // namespace pleat
