// The looks of a synthetic person. Gender and age only shift the looks: every cue overlaps between the classes, as with
// people, so that no single cue reveals the label.
#pragma once

#include "base/random.h"
#include "data_tools/drawn_faces/canvas.h"

namespace pleat {

enum class Gender { kMale, kFemale };

enum class HairStyle { kCropped, kShort, kBob, kLong, kTied, kCurly };

enum class Glasses { kNone, kThin, kThick };

enum class Collar { kRound, kOpen, kShirt, kHigh, kScarf };

/// Shares are 0 to 1 unless said otherwise; lengths are in face units (canvas.h).
struct FaceTraits {
  double looks_female = 0;  // 0 to 1; apparent, not the label
  double looks_age = 0;     // years; apparent, not the label

  double width = 0, jaw = 0, chin = 0, cheeks = 0, sag = 0;
  Color skin;
  double blotches = 0;

  HairStyle hair{};
  Color hair_color;
  double gray = 0, volume = 0, recession = 0, fringe = 0, parting = 0, length = 0;

  double brow_thickness = 0, brow_arch = 0, brow_height = 0;
  double eye_size = 0, eye_distance = 0, lid_droop = 0, lashes = 0, bags = 0;
  double nose_width = 0, nose_length = 0;
  double lip_fullness = 0, lip_color = 0, mouth_width = 0;
  double stubble = 0, mustache = 0;
  double forehead_lines = 0, crow_feet = 0, mouth_folds = 0, frown_lines = 0;
  Glasses glasses{};
  bool earrings = false;

  double shoulders = 0, neck = 0;
  Collar collar{};
  Color clothes, clothes_second;
  int clothes_pattern = 0;  // 0 plain, 1 across, 2 down, 3 checks
};

FaceTraits draw_traits(Gender gender, int age, RandomStream& random);

}  // namespace pleat
