// Draws masks of five kinds, in many colours, worn correctly or not.

#include <algorithm>
#include <array>
#include <cmath>

#include "data_tools/drawn_faces/draws.h"
#include "data_tools/drawn_faces/face_parts.h"

namespace pleat {
namespace {

Color mask_color(MaskKind kind, RandomStream& random) {
  static constexpr std::array<std::array<double, 3>, 8> kColors = {{{238, 238, 238},
                                                                    {225, 205, 165},
                                                                    {35, 33, 34},
                                                                    {120, 118, 116},
                                                                    {190, 185, 225},
                                                                    {170, 195, 215},
                                                                    {110, 70, 45},
                                                                    {150, 170, 120}}};
  // White first, then the kind's own usual colour, then any.
  const double pick = random.uniform();
  std::size_t color = random.below(8);
  if (pick < 0.40) color = kind == MaskKind::kSmooth ? 2 : 0;
  if (pick >= 0.40 && pick < 0.60) color = kind == MaskKind::kSurgical ? 1 : kind == MaskKind::kFoldFlat ? 2 : color;
  const auto& [b, g, r] = kColors[color];
  const Color shift{between(random, -12, 12), between(random, -12, 12), between(random, -12, 12)};
  return Color(b, g, r) + shift;
}

Curve outline_of(const FaceTraits& traits, const MaskLook& look) {
  const double w = look.half_width * traits.width, top = look.top, bottom = look.bottom + traits.chin;
  const double middle = 0.5 * (top + bottom), tall = bottom - top;
  Curve outline;
  switch (look.kind) {
    case MaskKind::kSurgical:
      outline = symmetric({{0, top},
                           {0.3 * w, top + 0.02},
                           {0.75 * w, top + 0.10 * tall},
                           {w, top + 0.20 * tall},
                           {1.01 * w, middle},
                           {0.9 * w, bottom - 0.22 * tall},
                           {0.5 * w, bottom - 0.04 * tall},
                           {0, bottom}});
      break;
    case MaskKind::kFoldFlat:
      outline = symmetric({{0, top - 0.03},
                           {0.25 * w, top + 0.05 * tall},
                           {0.7 * w, top + 0.24 * tall},
                           {1.02 * w, top + 0.34 * tall},
                           {1.0 * w, middle + 0.06 * tall},
                           {0.72 * w, bottom - 0.16 * tall},
                           {0.3 * w, bottom - 0.01},
                           {0, bottom + 0.02}});
      break;
    case MaskKind::kCup:
      outline = symmetric({{0, top - 0.02},
                           {0.3 * w, top + 0.06 * tall},
                           {0.68 * w, top + 0.28 * tall},
                           {0.86 * w, middle},
                           {0.76 * w, bottom - 0.2 * tall},
                           {0.4 * w, bottom},
                           {0, bottom + 0.02}});
      break;
    case MaskKind::kCloth:
    case MaskKind::kSmooth:
      outline = symmetric({{0, top},
                           {0.35 * w, top + 0.07 * tall},
                           {0.75 * w, top + 0.19 * tall},
                           {1.03 * w, top + 0.22 * tall},
                           {1.03 * w, middle + 0.05 * tall},
                           {0.8 * w, bottom - 0.2 * tall},
                           {0.35 * w, bottom},
                           {0, bottom + 0.01}});
      break;
  }
  for (cv::Point2d& point : outline) point.y += look.slant * point.x;
  return outline;
}

void draw_straps(Canvas& canvas, const FaceTraits& traits, const MaskLook& look) {
  const double w = look.half_width * traits.width, tall = look.bottom - look.top;
  const Color color = mix(look.color, {235, 235, 235}, look.kind == MaskKind::kSmooth ? 0.0 : 0.5);
  const double width = look.kind == MaskKind::kSmooth ? 0.07 : 0.026;
  const double pulled = std::max(0.0, look.top - 0.3);  // at the chin the loops hang lower
  for (const double side : {-1.0, 1.0}) {
    const double ear = side * (traits.width + 0.02), from = side * 0.9 * w, dy = look.slant * from;
    canvas.stroke(smooth({{from, look.top + 0.26 * tall + dy}, {ear, -0.10 + 0.3 * pulled}}, false), width,
                  {.color = shaded(color, 0.9)});
    canvas.stroke(smooth({{from, look.bottom - 0.3 * tall + dy},
                          {0.5 * (from + ear) + side * 0.03, 0.4 + 0.3 * pulled},
                          {ear, 0.2 + 0.2 * pulled}},
                         false),
                  width, {.color = shaded(color, 0.85)});
  }
}

void draw_pattern(Canvas& canvas, const MaskLook& look) {
  const Paint paint{.color = look.second, .alpha = 0.8};
  if (look.pattern == 1) {
    for (int row = 0; row < 9; ++row) {
      for (double x = -0.9 + 0.07 * (row % 2); x < 0.9; x += 0.15)
        canvas.fill(ellipse({x, look.top + 0.12 * row}, 0.026, 0.026), paint);
    }
  }
  if (look.pattern >= 2) {
    for (double y = look.top; y < look.bottom + 0.1; y += 0.11) canvas.stroke({{-1, y}, {1, y}}, 0.035, paint);
  }
  if (look.pattern == 3) {
    for (double x = -0.9; x < 0.9; x += 0.12) canvas.stroke({{x, look.top - 0.1}, {x, look.bottom + 0.2}}, 0.03, paint);
  }
}

// Draws a crease across the mask, sagging in the middle.
//   at: share of the mask's height
void draw_crease(Canvas& canvas, const FaceTraits& traits, const MaskLook& look, double at, double bow) {
  const double w = look.half_width * traits.width, y = look.top + at * (look.bottom - look.top);
  const Curve line = smooth({{-w, y - bow}, {-0.5 * w, y}, {0, y + 0.3 * bow}, {0.5 * w, y}, {w, y - bow}}, false);
  canvas.stroke(line, 0.022, {.color = shaded(look.color, 0.68), .alpha = 0.75, .softness = 0.006});
  Curve light = line;
  for (cv::Point2d& point : light) point.y += 0.028;
  canvas.stroke(light, 0.024, {.color = mix(look.color, {255, 255, 255}, 0.5), .alpha = 0.4, .softness = 0.010});
}

void draw_make(Canvas& canvas, const FaceTraits& traits, const MaskLook& look) {
  const double tall = look.bottom - look.top;
  switch (look.kind) {
    case MaskKind::kSurgical:
      for (const double at : {0.36, 0.52, 0.68}) draw_crease(canvas, traits, look, at, 0.02);
      draw_crease(canvas, traits, look, 0.08, -0.08);
      break;
    case MaskKind::kFoldFlat:
      draw_crease(canvas, traits, look, 0.38, 0.03);
      draw_crease(canvas, traits, look, 0.70, 0.08);
      break;
    case MaskKind::kCup:
      canvas.fill(ellipse({-0.05, look.top + 0.42 * tall}, 0.2, 0.25 * tall),
                  {.color = mix(look.color, {255, 255, 255}, 0.6), .alpha = 0.5, .softness = 0.08});
      draw_crease(canvas, traits, look, 0.14, -0.15);
      break;
    case MaskKind::kCloth:
      draw_pattern(canvas, look);
      [[fallthrough]];
    case MaskKind::kSmooth:
      canvas.stroke(smooth({{0, look.top}, {0.02, look.top + 0.4 * tall}, {0, look.bottom}}, false), 0.018,
                    {.color = shaded(look.color, 0.6), .alpha = 0.7, .softness = 0.006});
      break;
  }
  if (look.valve) {
    canvas.fill(ellipse({0.22, look.top + 0.62 * tall}, 0.10, 0.085), {.color = shaded(look.color, 0.75)});
    canvas.fill(ellipse({0.22, look.top + 0.62 * tall}, 0.07, 0.055), {.color = shaded(look.color, 0.95)});
  }
}

void draw_mask_shade(Canvas& canvas, const FaceTraits& traits, const MaskLook& look) {
  const double w = look.half_width * traits.width;
  const Color dark = shaded(look.color, 0.55);
  for (const double side : {-1.0, 1.0}) {
    canvas.stroke({{side * w, look.top}, {side * 0.95 * w, look.bottom}}, 0.25,
                  {.color = dark, .alpha = 0.45, .softness = 0.09});
  }
  canvas.stroke({{-0.6 * w, look.bottom}, {0.6 * w, look.bottom}}, 0.16,
                {.color = dark, .alpha = 0.5, .softness = 0.07});
  if (look.top < 0.35) {  // over the nose
    canvas.fill(ellipse({-0.02, 0.28}, 0.07, 0.14),
                {.color = mix(look.color, {255, 255, 255}, 0.5), .alpha = 0.4, .softness = 0.05});
    canvas.stroke(smooth({{0.12, 0.1}, {0.17, 0.34}}, false), 0.08, {.color = dark, .alpha = 0.35, .softness = 0.04});
  }
}

}  // namespace

MaskLook draw_mask_look(MaskKind kind, MaskFit fit, RandomStream& random) {
  MaskLook look{.kind = kind};
  look.color = mask_color(kind, random);
  look.second = {between(random, 20, 240), between(random, 20, 240), between(random, 20, 240)};
  look.pattern = kind == MaskKind::kCloth && chance(random, 0.6) ? 1 + static_cast<int>(random.below(3)) : 0;
  look.valve = (kind == MaskKind::kCup || kind == MaskKind::kFoldFlat) && chance(random, 0.25);
  look.half_width = between(random, 0.84, 0.98);
  look.slant = 0.035 * normal(random);
  look.bottom = between(random, 1.0, 1.12);
  switch (fit) {  // the nose's tip is near 0.30, its nostrils near 0.33: both fits come close to them
    case MaskFit::kRight:
      look.top = between(random, -0.02, 0.17);
      break;
    case MaskFit::kBelowNose:
      look.top = between(random, 0.27, 0.47);
      break;
    case MaskFit::kAtChin:
      look.top = between(random, 0.66, 0.88);
      look.bottom += 0.14;
      break;
  }
  return look;
}

void draw_mask(Canvas& canvas, const FaceTraits& traits, const MaskLook& look) {
  draw_straps(canvas, traits, look);
  const Curve outline = outline_of(traits, look);
  Curve rim = outline;
  rim.push_back(rim.front());
  canvas.stroke(rim, 0.06, {.color = shaded(traits.skin, 0.5), .alpha = 0.45, .softness = 0.03});  // its shadow
  canvas.within(outline, {.softness = 0.004}, [&](Canvas& layer) {
    layer.fill(outline, {.color = look.color});
    draw_make(layer, traits, look);
    draw_mask_shade(layer, traits, look);
    layer.stroke(rim, 0.03, {.color = shaded(look.color, 0.75), .alpha = 0.7});
  });
}

}  // namespace pleat
