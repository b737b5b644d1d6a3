// Draws the photo around a face: pose, background, light, camera.
#pragma once

#include "base/random.h"
#include "data_tools/drawn_faces/face_parts.h"

namespace pleat {

constexpr int kPhotoWidth = 384, kPhotoHeight = 512;  // pixels, upright, as in the contest

/// The place of a photo. Most photos of a person share one place, so the background can reveal the person.
struct Place {
  Color wall, second;
  int furniture = 0;        // 0 bare, 1 boxes, 2 curtain, 3 window
  double light = 1;         // overall
  cv::Point2d light_from;   // towards the lit side; longer is harder
  Color cast{1, 1, 1};      // colour of the light
  double camera_noise = 4;  // standard deviation in gray levels
};

Place draw_place(RandomStream& random);

Pose draw_pose(RandomStream& random);
Expression draw_expression(RandomStream& random);

/// Fills the image.
void draw_background(cv::Mat& image, const Place& place, RandomStream& random);

/// Shades the drawn photo, blurs it, adds noise.
void expose(cv::Mat& image, const Pose& pose, const Place& place, RandomStream& random);

}  // namespace pleat
