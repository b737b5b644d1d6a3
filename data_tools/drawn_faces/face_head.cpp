// Draws body, head, and the marks of age and shaving on the skin.

#include <algorithm>

#include "data_tools/drawn_faces/draws.h"
#include "data_tools/drawn_faces/face_parts.h"

namespace pleat {
namespace {

void draw_pattern(Canvas& canvas, const FaceTraits& traits) {
  const Paint paint{.color = traits.clothes_second, .alpha = 0.7, .on_head = false};
  if (traits.clothes_pattern & 1) {
    for (double y = 1.2; y < 5; y += 0.17) canvas.stroke({{-2.2, y}, {2.2, y}}, 0.06, paint);
  }
  if (traits.clothes_pattern & 2) {
    for (double x = -2; x < 2; x += 0.19) canvas.stroke({{x, 1}, {x, 5}}, 0.05, paint);
  }
}

void draw_collar(Canvas& canvas, const FaceTraits& traits) {
  const double w = traits.neck;
  const Color dark = shaded(traits.clothes, 0.72);
  const Paint edge{.color = dark, .on_head = false};
  switch (traits.collar) {
    case Collar::kRound:
      canvas.fill(ellipse({0, 1.36}, w + 0.05, 0.24), {.color = shaded(traits.skin, 0.9), .on_head = false});
      canvas.stroke(smooth({{-w - 0.08, 1.34}, {-0.2, 1.58}, {0.2, 1.58}, {w + 0.08, 1.34}}, false), 0.06, edge);
      break;
    case Collar::kOpen:
      canvas.fill({{-w, 1.25}, {0, 2.0}, {w, 1.25}}, {.color = shaded(traits.skin, 0.92), .on_head = false});
      canvas.stroke({{-w - 0.05, 1.28}, {0, 2.02}, {w + 0.05, 1.28}}, 0.04, edge);
      break;
    case Collar::kShirt:
      canvas.fill({{-w, 1.25}, {0, 1.68}, {w, 1.25}}, {.color = shaded(traits.skin, 0.85), .on_head = false});
      for (const double side : {-1.0, 1.0}) {
        canvas.fill({{side * (w + 0.06), 1.18}, {side * 0.02, 1.7}, {side * 0.3, 1.86}, {side * (w + 0.16), 1.4}},
                    {.color = shaded(traits.clothes, 1.1), .on_head = false});
        canvas.stroke({{side * 0.02, 1.7}, {side * 0.3, 1.86}, {side * (w + 0.16), 1.4}}, 0.02, edge);
      }
      canvas.stroke({{0, 1.75}, {0, 5}}, 0.025, edge);
      break;
    case Collar::kHigh:
    case Collar::kScarf: {  // covers the chin's shadow: looks like a mask that was pulled down
      const double top = traits.collar == Collar::kHigh ? 1.16 : 1.0,
                   wide = traits.collar == Collar::kHigh ? 0.06 : 0.3;
      const Color color = traits.collar == Collar::kHigh ? traits.clothes : traits.clothes_second;
      canvas.fill(smooth({{-w - wide, top},
                          {0, top + 0.12},
                          {w + wide, top},
                          {w + wide + 0.08, 1.6},
                          {0, 1.78},
                          {-w - wide - 0.08, 1.6}},
                         true),
                  {.color = color, .on_head = false});
      for (const double y : {top + 0.22, top + 0.36}) {
        canvas.stroke(smooth({{-w - wide, y - 0.04}, {0, y + 0.08}, {w + wide, y - 0.04}}, false), 0.025,
                      {.color = shaded(color, 0.7), .alpha = 0.7, .softness = 0.01, .on_head = false});
      }
      break;
    }
  }
}

void draw_stubble(Canvas& canvas, const FaceTraits& traits, RandomStream& random) {
  const double w = traits.width;
  const Color tint = mix(traits.hair_color, {150, 150, 150}, 0.6 * traits.gray);
  const Curve beard = symmetric({{0, 0.44},
                                 {0.26, 0.45},
                                 {0.55 * w, 0.42},
                                 {0.93 * w, 0.15},
                                 {0.98 * w, 0.3},
                                 {0.72 * w, 0.85},
                                 {0, 1.06 + traits.chin}});
  canvas.fill(beard, {.color = tint, .alpha = 0.30 * traits.stubble, .softness = 0.06});
  if (traits.stubble > 0.45) {
    for (int i = 0; i < 160; ++i) {
      const cv::Point2d at{between(random, -0.6, 0.6), between(random, 0.45, 1.0)};
      canvas.stroke({at, {at.x + 0.004, at.y + 0.02}}, 0.010, {.color = tint, .alpha = 0.5 * traits.stubble});
    }
  }
  if (traits.mustache > 0) {
    canvas.fill(symmetric({{0, 0.42}, {0.12, 0.41}, {0.26, 0.52}, {0.24, 0.56}, {0.1, 0.50}, {0, 0.49}}),
                {.color = tint, .alpha = 0.85 * traits.mustache, .softness = 0.015});
  }
}

// A fold: a dark line with a lighter one below it.
void draw_fold(Canvas& canvas, const FaceTraits& traits, const Curve& line, double depth, double width = 0.022) {
  if (depth <= 0.02) return;
  const Curve curve = smooth(line, false);
  canvas.stroke(curve, width, {.color = shaded(traits.skin, 0.52), .alpha = 0.75 * depth, .softness = 0.010});
  canvas.stroke(curve, 2.6 * width, {.color = shaded(traits.skin, 0.7), .alpha = 0.35 * depth, .softness = 0.025});
}

void draw_lines(Canvas& canvas, const FaceTraits& traits, RandomStream& random) {
  for (const double y : {-0.52, -0.62, -0.73}) {
    const double wave = between(random, -0.03, 0.03), depth = traits.forehead_lines * between(random, 0.5, 1.1);
    draw_fold(canvas, traits, {{-0.40, y + 0.02}, {-0.15, y - wave}, {0.15, y + wave}, {0.40, y + 0.02}}, depth);
  }
  for (const double side : {-1.0, 1.0}) {
    const double x = side * (traits.eye_distance + 0.2);
    for (const double turn : {-0.09, 0.0, 0.09}) {
      const double depth = traits.crow_feet * between(random, 0.6, 1.1);
      draw_fold(canvas, traits,
                {{x, -0.08 + 0.4 * turn}, {x + side * 0.09, -0.08 + turn}, {x + side * 0.16, -0.06 + 1.7 * turn}},
                depth, 0.016);
    }
    const double fold = traits.mouth_folds * between(random, 0.85, 1.1);
    draw_fold(canvas, traits, {{side * 0.15, 0.26}, {side * 0.27, 0.42}, {side * 0.33, 0.58}, {side * 0.32, 0.68}},
              fold, 0.026);
    draw_fold(canvas, traits, {{side * 0.28, 0.66}, {side * 0.31, 0.78}, {side * 0.29, 0.88}}, fold - 0.45, 0.022);
    draw_fold(canvas, traits, {{side * 0.05, -0.42}, {side * 0.045, -0.30}}, traits.frown_lines - 0.25, 0.02);
    draw_fold(canvas, traits,
              {{side * (traits.eye_distance - 0.15), 0.02},
               {side * traits.eye_distance, 0.09},
               {side * (traits.eye_distance + 0.14), 0.03}},
              traits.bags, 0.022);
    canvas.fill(ellipse({side * traits.eye_distance, 0.03}, 0.14, 0.06),
                {.color = shaded(traits.skin, 0.66), .alpha = 0.45 * traits.bags, .softness = 0.03});
  }
}

void draw_blotches(Canvas& canvas, const FaceTraits& traits, RandomStream& random) {
  const auto count = static_cast<int>(14 * traits.blotches);
  for (int i = 0; i < count; ++i) {
    const cv::Point2d at{between(random, -0.65, 0.65), between(random, -0.7, 0.6)};
    const double size = between(random, 0.012, 0.04);
    canvas.fill(ellipse(at, size, 0.8 * size),
                {.color = shaded(traits.skin, 0.72), .alpha = between(random, 0.2, 0.55), .softness = 0.012});
  }
}

}  // namespace

Curve head_outline(const FaceTraits& traits) {
  const double w = traits.width, jaw = traits.jaw, cheeks = 0.05 * (traits.cheeks - 0.5), sag = 0.07 * traits.sag;
  const double chin = 1 + traits.chin;
  return symmetric({{0, -1.13},
                    {0.55 * w, -1.04},
                    {0.92 * w, -0.7},
                    {w, -0.2},
                    {(0.97 + cheeks) * w, 0.2},
                    {(0.81 + 0.12 * jaw + cheeks) * w, 0.58},
                    {(0.52 + 0.19 * jaw + sag) * w, 0.84},
                    {(0.22 + 0.13 * jaw + sag) * w, chin - 0.04},
                    {0, chin}});
}

void draw_body(Canvas& canvas, const FaceTraits& traits) {
  const double w = traits.neck, s = traits.shoulders;
  canvas.fill({{-w, 0.5}, {w, 0.5}, {w + 0.03, 1.3}, {w + 0.3, 1.7}, {-w - 0.3, 1.7}, {-w - 0.03, 1.3}},
              {.color = shaded(traits.skin, 0.86), .on_head = false});
  canvas.fill(ellipse({0, 0.98}, w, 0.3),
              {.color = shaded(traits.skin, 0.55), .alpha = 0.65, .softness = 0.07, .on_head = false});
  const Curve torso = smooth({{-w - 0.02, 1.27},
                              {-0.6 * s, 1.52},
                              {-s, 1.8},
                              {-s - 0.25, 3},
                              {-s, 5},
                              {s, 5},
                              {s + 0.25, 3},
                              {s, 1.8},
                              {0.6 * s, 1.52},
                              {w + 0.02, 1.27},
                              {0, 1.48}},
                             true);
  canvas.within(torso, {.on_head = false}, [&](Canvas& layer) {
    layer.fill(torso, {.color = traits.clothes, .on_head = false});
    draw_pattern(layer, traits);
    for (const double side : {-1.0, 1.0}) {
      layer.fill({{side * 1.0, 1.6}, {side * 2.4, 1.6}, {side * 2.4, 4}, {side * 1.4, 4}},
                 {.color = shaded(traits.clothes, 0.6), .alpha = 0.5, .softness = 0.15, .on_head = false});
    }
  });
  draw_collar(canvas, traits);
}

void draw_head(Canvas& canvas, const FaceTraits& traits) {
  const double w = traits.width;
  for (const double side : {-1.0, 1.0}) {
    canvas.fill(ellipse({side * (w + 0.02), 0.05}, 0.10, 0.22), {.color = shaded(traits.skin, 0.88)});
    canvas.stroke(smooth({{side * (w + 0.04), -0.1}, {side * (w + 0.07), 0.0}, {side * (w + 0.03), 0.16}}, false), 0.02,
                  {.color = shaded(traits.skin, 0.6), .alpha = 0.6, .softness = 0.01});
    if (traits.earrings) canvas.fill(ellipse({side * (w + 0.04), 0.30}, 0.03, 0.035), {.color = {190, 215, 225}});
  }
  const Curve outline = head_outline(traits);
  canvas.within(outline, {}, [&](Canvas& layer) {
    layer.fill(outline, {.color = traits.skin});
    for (const double side : {-1.0, 1.0}) {
      layer.stroke(smooth({{side * 0.85 * w, -0.7}, {side * 1.02 * w, 0.1}, {side * 0.7 * w, 0.85}}, false), 0.2,
                   {.color = shaded(traits.skin, 0.62), .alpha = 0.5, .softness = 0.10});
      layer.fill(ellipse({side * 0.45, 0.25}, 0.2, 0.14),
                 {.color = mix(traits.skin, {120, 120, 235}, 0.35), .alpha = 0.45, .softness = 0.09});
      layer.fill(ellipse({side * 0.52 * w, 0.84}, 0.13, 0.09 + 0.08 * traits.sag),  // jowls
                 {.color = shaded(traits.skin, 0.6), .alpha = 0.5 * traits.sag, .softness = 0.06});
      layer.fill(ellipse({side * 0.55 * w, 0.42}, 0.10, 0.22),  // hollow cheeks
                 {.color = shaded(traits.skin, 0.68), .alpha = 0.5 * (1 - traits.cheeks), .softness = 0.08});
    }
    layer.fill(ellipse({0, -0.62}, 0.4, 0.18),
               {.color = mix(traits.skin, {255, 255, 255}, 0.3), .alpha = 0.4, .softness = 0.12});
  });
}

void draw_skin(Canvas& canvas, const FaceTraits& traits, RandomStream& random) {
  canvas.within(head_outline(traits), {.softness = 0.01}, [&](Canvas& layer) {
    draw_stubble(layer, traits, random);
    draw_lines(layer, traits, random);
    draw_blotches(layer, traits, random);
  });
}

}  // namespace pleat
