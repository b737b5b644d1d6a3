#include "data_tools/drawn_faces/photo_scene.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "data_tools/drawn_faces/draws.h"

namespace pleat {
namespace {

cv::Rect within_photo(double x, double y, double width, double height) {
  return cv::Rect(cvRound(x), cvRound(y), cvRound(width), cvRound(height)) & cv::Rect(0, 0, kPhotoWidth, kPhotoHeight);
}

void draw_furniture(cv::Mat& image, const Place& place, RandomStream& random) {
  if (place.furniture == 1) {
    for (int i = 0; i < 7; ++i) {
      const double x = between(random, -60, kPhotoWidth), y = between(random, -60, kPhotoHeight);
      const double width = between(random, 30, 200), height = between(random, 20, 260);
      const double share = random.uniform(), light = between(random, 0.5, 1.3);
      const Color color = shaded(mix(place.wall, place.second, share), light);
      cv::rectangle(image, within_photo(x, y, width, height), color, cv::FILLED);
    }
  } else if (place.furniture == 2) {
    const double fold = between(random, 10, 34);
    for (double x = between(random, 0, fold); x < kPhotoWidth; x += fold) {
      cv::rectangle(image, within_photo(x, 0, 0.5 * fold, kPhotoHeight), mix(place.wall, place.second, 0.35),
                    cv::FILLED);
    }
  } else if (place.furniture == 3) {
    const double x = either_side(random) < 0 ? between(random, -120, 20) : between(random, 200, 320);
    const double y = between(random, -50, 80), height = between(random, 200, 330), bright = between(random, 215, 250);
    cv::rectangle(image, within_photo(x, y, 170, height), {bright, bright, bright - 8}, cv::FILLED);
  }
}

// Returns the light on each pixel, from a coarse grid: the head is an ellipsoid, the wall is lit from one side.
cv::Mat light_field(const Pose& pose, const Place& place, RandomStream& random) {
  constexpr int kCell = 8;  // pixels
  cv::Mat field(kPhotoHeight / kCell, kPhotoWidth / kCell, CV_32F);
  const cv::Point2d from = place.light_from + cv::Point2d{0.15 * normal(random), 0.12 * normal(random)};
  const double level = place.light * (1 + 0.10 * normal(random));
  for (int y = 0; y < field.rows; ++y) {
    for (int x = 0; x < field.cols; ++x) {
      const cv::Point2d pixel((x + 0.5) * kCell, (y + 0.5) * kCell);
      const cv::Point2d head = (pixel - pose.center) / pose.scale;
      const double nx = head.x / 0.84, ny = (head.y + 0.05) / 1.14, r2 = nx * nx + ny * ny;
      const double wall = 0.25 * from.dot({pixel.x / kPhotoWidth - 0.5, pixel.y / kPhotoHeight - 0.5});
      const double nz = std::sqrt(std::max(0.0, 1 - r2));
      const double face = r2 < 1 ? 0.55 * from.dot({nx, ny}) + 0.16 * (nz - 0.6) : 0;
      field.at<float>(y, x) = static_cast<float>(std::clamp(level * (1 + wall + face), 0.12, 1.9));
    }
  }
  cv::GaussianBlur(field, field, {}, 1.6);
  cv::Mat full;
  cv::resize(field, full, {kPhotoWidth, kPhotoHeight}, 0, 0, cv::INTER_LINEAR);
  return full;
}

void shade(cv::Mat& image, const cv::Mat& light, const Color& cast) {
  const float tint[3] = {static_cast<float>(cast[0]), static_cast<float>(cast[1]), static_cast<float>(cast[2])};
  for (int y = 0; y < image.rows; ++y) {
    auto* pixel = image.ptr<cv::Vec3b>(y);
    const auto* level = light.ptr<float>(y);
    for (int x = 0; x < image.cols; ++x) {
      for (int c = 0; c < 3; ++c) pixel[x][c] = cv::saturate_cast<std::uint8_t>(tint[c] * level[x] * pixel[x][c]);
    }
  }
}

// Blurs the photo: out of focus, shaken, or of few pixels.
void lose_sharpness(cv::Mat& image, RandomStream& random) {
  const double how = random.uniform(), amount = random.uniform();
  if (how < 0.15) {
    const double factor = 0.25 + 0.4 * amount;
    cv::Mat small;
    cv::resize(image, small, {}, factor, factor, cv::INTER_AREA);
    cv::resize(small, image, image.size(), 0, 0, cv::INTER_LINEAR);
  } else if (how < 0.27) {
    const int reach = 2 + static_cast<int>(5 * amount);
    cv::Mat kernel = cv::Mat::zeros(2 * reach + 1, 2 * reach + 1, CV_32F);
    const cv::Point middle(reach, reach), step(reach, cvRound(reach * between(random, -1, 1)));
    cv::line(kernel, middle - step, middle + step, 1);
    cv::filter2D(image, image, -1, kernel / cv::sum(kernel)[0]);
  } else {
    cv::GaussianBlur(image, image, {}, 0.5 + 1.6 * amount * amount);
  }
}

// The sum of a number's four bytes is close enough to a normal distribution.
void add_noise(cv::Mat& image, double deviation, RandomStream& random) {
  const double scale = deviation / 147.8;  // of the sum of four uniform bytes
  for (int y = 0; y < image.rows; ++y) {
    auto* bytes = image.ptr<std::uint8_t>(y);
    for (int i = 0; i < 3 * image.cols; ++i) {
      const std::uint32_t n = random.next();
      const auto sum = static_cast<int>((n & 255) + (n >> 8 & 255) + (n >> 16 & 255) + (n >> 24)) - 510;
      bytes[i] = cv::saturate_cast<std::uint8_t>(bytes[i] + scale * sum);
    }
  }
}

}  // namespace

Place draw_place(RandomStream& random) {
  Place place;
  const double gray = between(random, 50, 235);
  const Color hue{between(random, 30, 230), between(random, 30, 230), between(random, 30, 230)};
  place.wall = mix({gray, gray, gray}, hue, 0.45 * random.uniform());
  place.second = {between(random, 20, 220), between(random, 20, 220), between(random, 20, 220)};
  place.furniture = static_cast<int>(random.below(4));
  place.light = between(random, 0.72, 1.15);
  place.light_from = {0.45 * normal(random), between(random, -0.6, 0.1)};
  place.cast = {1 + 0.07 * normal(random), 1 + 0.02 * normal(random), 1 + 0.06 * normal(random)};
  place.camera_noise = between(random, 2, 11);
  return place;
}

Pose draw_pose(RandomStream& random) {
  Pose pose;
  pose.yaw = std::clamp(0.17 * normal(random), -0.5, 0.5);
  pose.pitch = std::clamp(0.09 * normal(random), -0.25, 0.25);
  pose.roll = 0.075 * normal(random);
  pose.scale = between(random, 102, 150);
  pose.center = {192 + 17 * normal(random), 234 + 18 * normal(random)};
  pose.keystone = {0.035 * normal(random), 0.035 * normal(random)};
  return pose;
}

Expression draw_expression(RandomStream& random) {
  Expression expression;
  expression.smile = chance(random, 0.35) ? between(random, 0.2, 1) : between(random, -0.3, 0.2);
  expression.open = chance(random, 0.15) ? between(random, 0.3, 1) : 0;
  expression.brow_raise = 0.02 * normal(random);
  expression.blink = chance(random, 0.06) ? between(random, 0.5, 1) : 0.15 * random.uniform();
  expression.gaze = {0.018 * normal(random), 0.010 * normal(random)};
  return expression;
}

void draw_background(cv::Mat& image, const Place& place, RandomStream& random) {
  const double shift_y = between(random, 0.8, 1.0);
  for (int y = 0; y < image.rows; ++y) {
    const double share = static_cast<double>(y) / image.rows;
    image.row(y) = shaded(place.wall, 1.05 - 0.25 * share * shift_y);
  }
  draw_furniture(image, place, random);
  soften(image, between(random, 1.5, 7));
}

void expose(cv::Mat& image, const Pose& pose, const Place& place, RandomStream& random) {
  shade(image, light_field(pose, place, random), place.cast);
  lose_sharpness(image, random);
  const double noise = place.camera_noise * between(random, 0.7, 1.4);
  add_noise(image, noise, random);
}

}  // namespace pleat
