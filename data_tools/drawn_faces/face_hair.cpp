// Draws hair: behind the neck, and over skull, forehead and temples.

#include <algorithm>
#include <cmath>
#include <numbers>

#include "data_tools/drawn_faces/draws.h"
#include "data_tools/drawn_faces/face_parts.h"

namespace pleat {
namespace {

Color strand_color(const FaceTraits& traits, RandomStream& random) {
  if (chance(random, 0.9 * traits.gray)) {
    const double level = between(random, 150, 215);
    return {level + 3, level, level - 2};
  }
  const double warmth = random.uniform(), light = between(random, 0.75, 1.5);
  return shaded(traits.hair_color + Color(14, 16, 20) * warmth, light);
}

Color base_color(const FaceTraits& traits) { return mix(traits.hair_color, {148, 146, 145}, 0.75 * traits.gray); }

bool falls(const FaceTraits& traits) { return traits.hair == HairStyle::kBob || traits.hair == HairStyle::kLong; }

// The lower end of the hair on both sides.
double side_end(const FaceTraits& traits) {
  switch (traits.hair) {
    case HairStyle::kCropped:
      return -0.30;
    case HairStyle::kShort:
      return -0.18 + 0.22 * traits.length;
    case HairStyle::kTied:
      return -0.02;
    case HairStyle::kCurly:
      return 0.10 + 0.45 * traits.length;
    case HairStyle::kBob:
      return 0.55 + 0.5 * traits.length;
    case HairStyle::kLong:
      return 1.3 + 0.9 * traits.length;
  }
  return 0;
}

double volume_of(const FaceTraits& traits) {
  if (traits.hair == HairStyle::kCropped) return 0.03;
  return traits.hair == HairStyle::kCurly ? traits.volume + 0.10 : traits.volume;
}

// The height of the hairline over the forehead.
//   x: in shares of the head's width
double hairline(const FaceTraits& traits, double x) {
  const double back = 0.30 * traits.recession * (0.45 + 0.55 * std::min(1.0, 4 * x * x));  // corners first
  const double side = 0.40 * x * x * x * x;
  // The fringe is swept to both sides from the parting, where it is shortest.
  const double fringe = 0.36 * traits.fringe * (0.55 + 0.45 * std::min(1.0, 2.2 * std::abs(x - 2 * traits.parting)));
  return -0.74 - back + side + fringe;
}

// From the left temple over the forehead to the right one.
Curve inner_edge(const FaceTraits& traits, double end) {
  Curve edge = {{-0.97 * traits.width, std::min(end, 0.0)}, {-0.93 * traits.width, -0.32}};
  for (const double x : {-0.78, -0.55, -0.3, 0.0, 0.3, 0.55, 0.78})
    edge.emplace_back(x * traits.width, hairline(traits, x));
  edge.emplace_back(0.93 * traits.width, -0.32);
  edge.emplace_back(0.97 * traits.width, std::min(end, 0.0));
  return edge;
}

Curve outer_edge(const FaceTraits& traits, double end, RandomStream& random) {
  const double v = volume_of(traits), w = traits.width;
  const Curve right_half = {{0, -1.14 - v},       {0.32 * w, -1.12 - v},
                            {0.66 * w, -1.0 - v}, {0.92 * w + 0.7 * v, -0.74},
                            {w + v, -0.42},       {w + v, std::min(end, 0.0) - 0.02}};
  Curve edge;
  for (std::size_t i = right_half.size() - 1; i > 0; --i) edge.emplace_back(-right_half[i].x, right_half[i].y);
  edge.insert(edge.end(), right_half.begin(), right_half.end());
  const double rough = traits.hair == HairStyle::kCurly ? 0.035 : 0.010;
  for (cv::Point2d& point : edge) point += cv::Point2d{rough * normal(random), rough * normal(random)};
  return edge;
}

void draw_strands(Canvas& canvas, const FaceTraits& traits, RandomStream& random) {
  const double v = volume_of(traits), w = traits.width + v;
  const cv::Point2d root{traits.parting * traits.width, -1.16 - 0.5 * v};
  const bool curly = traits.hair == HairStyle::kCurly;
  for (int i = 0; i < (curly ? 160 : 80); ++i) {
    const Color color = strand_color(traits, random);
    const double turn = between(random, 0, std::numbers::pi), reach = between(random, 0.75, 1.05);
    const cv::Point2d end{w * reach * std::cos(turn), -0.25 - 0.95 * reach * std::sin(turn) * between(random, 0.2, 1)};
    if (curly) {
      const double size = between(random, 0.025, 0.06);
      canvas.stroke(smooth({end, end + cv::Point2d(size, -0.5 * size), end + cv::Point2d(1.2 * size, size)}, false),
                    0.016, {.color = color, .alpha = 0.5});
      continue;
    }
    const cv::Point2d middle{0.5 * (root.x + end.x) + 0.25 * (end.x - root.x),
                             -1.0 - 0.5 * v + 0.15 * random.uniform()};
    canvas.stroke(smooth({root, middle, end}, false), 0.016, {.color = color, .alpha = 0.55});
  }
}

// Locks before ears and shoulders, in front of a mask's straps.
void draw_side_locks(Canvas& canvas, const FaceTraits& traits, RandomStream& random) {
  const double v = volume_of(traits), w = traits.width, end = side_end(traits);
  for (const double side : {-1.0, 1.0}) {
    const double in = between(random, 0.86, 0.98), out = between(random, 0.05, 0.16);
    const Curve lock = smooth({{side * 0.80 * w, -0.75},
                               {side * in * w, -0.2},
                               {side * (in + 0.02) * w, 0.35},
                               {side * (in - 0.05) * w, end - 0.1},
                               {side * w, end},
                               {side * (w + v + out), end - 0.05},
                               {side * (w + v + out), 0.3},
                               {side * (w + v), -0.4},
                               {side * 0.92 * w, -0.9}},
                              true);
    canvas.within(lock, {.softness = 0.012, .on_head = false}, [&](Canvas& layer) {
      layer.fill(lock, {.color = base_color(traits), .on_head = false});
      for (int i = 0; i < 26; ++i) {
        const double x = between(random, 0.8 * w, w + v + out), bend = between(random, -0.05, 0.08);
        const Color color = strand_color(traits, random);
        layer.stroke(smooth({{side * (x - 0.05), -0.8}, {side * (x + bend), 0.1}, {side * x, end}}, false), 0.016,
                     {.color = color, .alpha = 0.5, .on_head = false});
      }
    });
  }
}

}  // namespace

void draw_back_hair(Canvas& canvas, const FaceTraits& traits, RandomStream& random) {
  if (traits.hair == HairStyle::kCropped || traits.hair == HairStyle::kShort) return;
  const double v = volume_of(traits), w = traits.width;
  const double end = traits.hair == HairStyle::kTied ? 0.5 : side_end(traits) + 0.05;
  const double out = falls(traits) ? w + v + 0.08 : w + v - 0.1;
  const Curve back =
      symmetric({{0, -1.1}, {0.8 * w, -0.9}, {w + v, -0.3}, {out, 0.5 * end}, {out - 0.04, end}, {0, end + 0.08}});
  canvas.fill(back, {.color = shaded(base_color(traits), 0.7), .softness = 0.012, .on_head = false});
  if (traits.hair != HairStyle::kTied || traits.length < 0.5) return;
  const double side = either_side(random);  // a tail over the shoulder
  canvas.fill(
      smooth({{side * 0.45, 0.7}, {side * 0.95, 1.1}, {side * 0.85, 2.0}, {side * 0.65, 2.1}, {side * 0.55, 1.3}},
             true),
      {.color = base_color(traits), .softness = 0.015, .on_head = false});
}

void draw_front_hair(Canvas& canvas, const FaceTraits& traits, RandomStream& random) {
  const double end = side_end(traits);
  Curve cap = smooth(outer_edge(traits, end, random), false);
  Curve inner = smooth(inner_edge(traits, end), false);
  cap.insert(cap.end(), inner.rbegin(), inner.rend());
  canvas.stroke(inner, 0.07, {.color = shaded(traits.skin, 0.55), .alpha = 0.4, .softness = 0.03});
  const bool thin = traits.recession > 0.55;
  canvas.within(cap, {.softness = thin ? 0.035 : 0.014}, [&](Canvas& layer) {
    layer.fill(cap, {.color = base_color(traits), .alpha = thin ? 0.9 : 1.0});
    draw_strands(layer, traits, random);
    layer.stroke(smooth({{-0.55, -0.98}, {0, -1.08}, {0.55, -0.98}}, false), 0.09,
                 {.color = {220, 220, 225}, .alpha = 0.18, .softness = 0.05});
  });
  if (falls(traits)) draw_side_locks(canvas, traits, random);
}

}  // namespace pleat
