// Draws the parts of a portrait, from back to front. Each part covers earlier ones.
#pragma once

#include "base/random.h"
#include "data_tools/drawn_faces/face_traits.h"

namespace pleat {

/// The traits that differ between photos of one person.
struct Expression {
  double smile = 0;       // -0.5 to 1
  double open = 0;        // mouth, 0 to 1
  double brow_raise = 0;  // units
  double blink = 0;       // 0 open to 1 shut
  cv::Point2d gaze;       // offset of each iris, in units
};

enum class MaskKind { kSurgical, kFoldFlat, kCloth, kCup, kSmooth };
constexpr int kMaskKinds = 5;

enum class MaskFit { kRight, kBelowNose, kAtChin };

struct MaskLook {
  MaskKind kind{};
  Color color, second;
  int pattern = 0;  // cloth: 0 plain, 1 dots, 2 stripes, 3 checks
  bool valve = false;
  double top = 0, bottom = 0;  // heights of its edges on the middle line
  double half_width = 0;       // share of the head's half width
  double slant = 0;            // downward slope to the right: masks never sit quite straight
};

MaskLook draw_mask_look(MaskKind kind, MaskFit fit, RandomStream& random);

void draw_back_hair(Canvas& canvas, const FaceTraits& traits, RandomStream& random);
void draw_body(Canvas& canvas, const FaceTraits& traits);
void draw_head(Canvas& canvas, const FaceTraits& traits);
void draw_features(Canvas& canvas, const FaceTraits& traits, const Expression& expression);
void draw_skin(Canvas& canvas, const FaceTraits& traits, RandomStream& random);  // stubble, lines, blotches
void draw_mask(Canvas& canvas, const FaceTraits& traits, const MaskLook& look);
void draw_front_hair(Canvas& canvas, const FaceTraits& traits, RandomStream& random);
void draw_glasses(Canvas& canvas, const FaceTraits& traits);

/// The outline of the face's skin, without ears.
Curve head_outline(const FaceTraits& traits);

}  // namespace pleat
