// Draws eyes, brows, nose, mouth and glasses.

#include <algorithm>

#include "data_tools/drawn_faces/face_parts.h"

namespace pleat {
namespace {

constexpr double kEyeHeight = -0.10, kMouthHeight = 0.60;

void draw_eye(Canvas& canvas, const FaceTraits& traits, const Expression& expression, double side) {
  const double x = side * traits.eye_distance, half = 0.135 + 0.045 * traits.eye_size;
  const double high = (0.035 + 0.045 * traits.eye_size) * (1 - 0.85 * expression.blink),
               low = 0.035 * (1 - expression.blink);
  const double droop = 0.035 * traits.lid_droop;
  // From the inner corner over the upper lid to the outer corner.
  const Curve upper = smooth({{x - side * half, kEyeHeight + 0.015},
                              {x - side * 0.4 * half, kEyeHeight - high},
                              {x + side * 0.3 * half, kEyeHeight - high + 0.4 * droop},
                              {x + side * half, kEyeHeight + droop}},
                             false);
  Curve eye = upper;
  const Curve lower = smooth(
      {{x + side * half, kEyeHeight + droop}, {x, kEyeHeight + low}, {x - side * half, kEyeHeight + 0.015}}, false);
  eye.insert(eye.end(), lower.begin(), lower.end());
  canvas.fill(ellipse({x, kEyeHeight - 0.05}, half + 0.03, 0.09),
              {.color = shaded(traits.skin, 0.70), .alpha = 0.45, .softness = 0.04});
  canvas.within(eye, {.softness = 0.004}, [&](Canvas& layer) {
    layer.fill(eye, {.color = {225, 230, 235}});
    const cv::Point2d iris = cv::Point2d(x, kEyeHeight - 0.005) + expression.gaze;
    layer.fill(ellipse(iris, 0.068, 0.068), {.color = {28, 40, 62}});
    layer.fill(ellipse(iris, 0.032, 0.032), {.color = {12, 12, 14}});
    layer.fill(ellipse(iris + cv::Point2d(-0.02, -0.025), 0.014, 0.014), {.color = {250, 250, 250}});
  });
  const Color lid = mix(shaded(traits.skin, 0.38), {20, 18, 20}, 0.4 + 0.6 * traits.lashes);
  canvas.stroke(upper, 0.018 + 0.026 * traits.lashes, {.color = lid, .alpha = 0.9, .softness = 0.004});
  if (traits.lashes > 0.4) {
    canvas.stroke({{x + side * half, kEyeHeight + droop}, {x + side * (half + 0.06), kEyeHeight + droop - 0.04}},
                  0.02 * traits.lashes, {.color = lid, .alpha = 0.8, .softness = 0.005});
  }
  Curve crease = upper;
  for (cv::Point2d& point : crease) point.y -= 0.035 - 0.5 * droop;
  canvas.stroke(crease, 0.014 + 0.02 * traits.lid_droop,
                {.color = shaded(traits.skin, 0.55), .alpha = 0.6, .softness = 0.008});
}

void draw_brow(Canvas& canvas, const FaceTraits& traits, const Expression& expression, double side) {
  const double x = side * traits.eye_distance, thick = 0.022 + 0.042 * traits.brow_thickness;
  const double y = kEyeHeight - 0.20 + traits.brow_height - expression.brow_raise,
               arch = 0.01 + 0.05 * traits.brow_arch;
  const Curve brow = smooth({{x - side * 0.19, y - 0.005},
                             {x - side * 0.02, y - 0.5 * arch - 0.5 * thick},
                             {x + side * 0.10, y - arch - 0.5 * thick},
                             {x + side * 0.24, y + 0.035},
                             {x + side * 0.10, y - arch + 0.5 * thick},
                             {x - side * 0.02, y - 0.4 * arch + 0.5 * thick},
                             {x - side * 0.18, y - 0.005 + thick}},
                            true);
  const Color color = mix(mix(traits.hair_color, traits.skin, 0.15), {160, 162, 165}, 0.55 * traits.gray);
  canvas.fill(brow, {.color = color, .alpha = 0.55 + 0.35 * traits.brow_thickness, .softness = 0.012});
}

void draw_nose(Canvas& canvas, const FaceTraits& traits) {
  const double tip = 0.30 + traits.nose_length, wing = 0.10 + 0.07 * traits.nose_width;
  const Color shade = shaded(traits.skin, 0.62);
  for (const double side : {-1.0, 1.0}) {
    canvas.stroke(smooth({{side * 0.10, -0.22}, {side * 0.07, -0.02}, {side * (wing - 0.02), tip - 0.08}}, false), 0.06,
                  {.color = shade, .alpha = side > 0 ? 0.40 : 0.25, .softness = 0.035});
    canvas.stroke(
        smooth({{side * (wing - 0.02), tip - 0.08}, {side * wing, tip - 0.01}, {side * (wing - 0.04), tip + 0.04}},
               false),
        0.024, {.color = shaded(traits.skin, 0.5), .alpha = 0.65, .softness = 0.010});
    canvas.fill(ellipse({side * 0.5 * wing, tip + 0.03}, 0.030, 0.017),
                {.color = shaded(traits.skin, 0.28), .alpha = 0.85, .softness = 0.008});
  }
  canvas.fill(ellipse({0, tip + 0.07}, wing, 0.035), {.color = shade, .alpha = 0.5, .softness = 0.025});
  canvas.fill(ellipse({-0.01, tip - 0.06}, 0.035, 0.06),
              {.color = mix(traits.skin, {255, 255, 255}, 0.55), .alpha = 0.5, .softness = 0.02});
}

void draw_mouth(Canvas& canvas, const FaceTraits& traits, const Expression& expression) {
  const double half = traits.mouth_width + 0.04 * expression.smile, y = kMouthHeight;
  const double corner = y - 0.05 * expression.smile, gap = 0.07 * expression.open;
  const double up = 0.035 + 0.04 * traits.lip_fullness, down = 0.045 + 0.055 * traits.lip_fullness + gap;
  const Color lips = mix(mix(traits.skin, {98, 98, 165}, 0.45), {62, 42, 190}, 0.75 * traits.lip_color);
  const Curve upper_lip = symmetric({{0, y - up + 0.012},
                                     {0.05, y - up},
                                     {0.6 * half, y - 0.5 * up},
                                     {half, corner},
                                     {0.5 * half, y - 0.25 * gap},
                                     {0, y + 0.008 - 0.25 * gap}});
  const Curve lower_lip = symmetric(
      {{0, y + gap}, {0.5 * half, y + 0.7 * gap}, {half, corner}, {0.6 * half, y + 0.8 * down}, {0, y + down}});
  if (gap > 0.02) {
    canvas.fill(symmetric({{0, y - 0.02}, {half * 0.95, corner}, {0, y + gap + 0.02}}), {.color = {40, 30, 60}});
    canvas.fill(symmetric({{0, y - 0.01}, {half * 0.7, y - 0.01}, {0.5 * half, y + 0.45 * gap}, {0, y + 0.5 * gap}}),
                {.color = {215, 225, 230}, .alpha = 0.9, .softness = 0.006});
  }
  canvas.fill(lower_lip, {.color = shaded(lips, 1.04), .alpha = 0.85, .softness = 0.008});
  canvas.fill(upper_lip, {.color = shaded(lips, 0.88), .alpha = 0.85, .softness = 0.008});
  canvas.stroke(
      smooth({{-half - 0.01, corner}, {-0.4 * half, y - 0.2 * gap}, {0.4 * half, y - 0.2 * gap}, {half + 0.01, corner}},
             false),
      0.018, {.color = shaded(lips, 0.42), .alpha = 0.8, .softness = 0.005});
  canvas.fill(ellipse({0, y + down + 0.05}, 0.13, 0.025),
              {.color = shaded(traits.skin, 0.62), .alpha = 0.45, .softness = 0.025});
}

}  // namespace

void draw_features(Canvas& canvas, const FaceTraits& traits, const Expression& expression) {
  draw_nose(canvas, traits);
  draw_mouth(canvas, traits, expression);
  for (const double side : {-1.0, 1.0}) {
    draw_eye(canvas, traits, expression, side);
    draw_brow(canvas, traits, expression, side);
  }
}

void draw_glasses(Canvas& canvas, const FaceTraits& traits) {
  if (traits.glasses == Glasses::kNone) return;
  const bool thick = traits.glasses == Glasses::kThick;
  const Color frame = thick ? Color(28, 26, 30) : Color(95, 100, 110);
  const double width = thick ? 0.042 : 0.02, y = kEyeHeight + 0.03;
  for (const double side : {-1.0, 1.0}) {
    Curve rim = smooth({{side * 0.12, y - 0.10},
                        {side * 0.38, y - 0.16},
                        {side * 0.62, y - 0.10},
                        {side * 0.60, y + 0.12},
                        {side * 0.38, y + 0.18},
                        {side * 0.15, y + 0.12}},
                       true);
    canvas.fill(rim, {.color = {235, 230, 225}, .alpha = 0.10});
    rim.push_back(rim.front());
    canvas.stroke(rim, width, {.color = frame, .alpha = 0.92, .softness = 0.003});
    canvas.stroke({{side * 0.62, y - 0.06}, {side * (traits.width + 0.01), y - 0.03}}, width,
                  {.color = frame, .alpha = 0.9});
  }
  canvas.stroke(smooth({{-0.12, y - 0.05}, {0, y - 0.09}, {0.12, y - 0.05}}, false), width,
                {.color = frame, .alpha = 0.9});
}

}  // namespace pleat
