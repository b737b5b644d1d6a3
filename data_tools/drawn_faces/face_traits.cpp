#include "data_tools/drawn_faces/face_traits.h"

#include <algorithm>
#include <array>

#include "data_tools/drawn_faces/draws.h"

namespace pleat {
namespace {

// The spread of looks around the label: an error that no network can avoid.
constexpr double kGenderSpread = 0.20;  // in units of looks_female
constexpr double kAgeSpread = 3.5;      // years
constexpr int kOldestLabel = 60;        // stands for any age from 60 on, as in the contest
constexpr double kBeyondOldest = 12;    // years

double share(double value) { return std::clamp(value, 0.0, 1.0); }

// 0 below `from`, 1 above `to`.
double ramp(double value, double from, double to) { return share((value - from) / (to - from)); }

// A cue: the mean for the look plus this person's deviation.
double cue(RandomStream& random, double mean, double spread) { return share(mean + spread * normal(random)); }

Color skin_color(RandomStream& random, const FaceTraits& traits) {
  static constexpr std::array<std::array<double, 3>, 4> kTones = {
      {{178, 206, 240}, {150, 185, 226}, {125, 162, 208}, {92, 128, 176}}};
  const double place = between(random, 0, 2.6);
  const auto below = static_cast<std::size_t>(place);
  const auto color = [&](std::size_t i) { return Color(kTones[i][0], kTones[i][1], kTones[i][2]); };
  Color skin = mix(color(below), color(below + 1), place - static_cast<double>(below));
  const double light = 1 + 0.05 * (traits.looks_female - 0.5) - 0.08 * ramp(traits.looks_age, 35, 70);
  const double redder = between(random, -7, 7), bluer = between(random, -6, 6);
  skin = shaded(skin, light) + Color(bluer, 0, redder);
  return skin;
}

HairStyle hair_style(RandomStream& random, const FaceTraits& traits) {
  const double female = traits.looks_female, old = ramp(traits.looks_age, 40, 62);
  const double long_hair = female * female;
  const std::array<double, 6> weights = {0.30 * (1 - female) * (1 - female) + 0.01,
                                         1.00 * (1 - female) + 0.06 + 0.25 * female * old,
                                         0.01 + 0.55 * long_hair,
                                         0.01 + 0.85 * long_hair * (1 - 0.75 * old),
                                         0.02 + 0.45 * long_hair,
                                         0.03 + 0.10 * female + 0.65 * female * old};
  double sum = 0;
  for (const double weight : weights) sum += weight;
  double left = between(random, 0, sum);
  std::size_t style = 0;
  while (style + 1 < weights.size() && left >= weights[style]) left -= weights[style++];
  return static_cast<HairStyle>(style);
}

void draw_hair_traits(FaceTraits& traits, RandomStream& random) {
  static constexpr std::array<std::array<double, 3>, 5> kColors = {
      {{22, 20, 22}, {28, 30, 38}, {34, 44, 62}, {44, 66, 98}, {60, 92, 140}}};
  const double female = traits.looks_female;
  traits.hair = hair_style(random, traits);
  double dyed = random.uniform();
  dyed *= random.uniform();
  const std::array<double, 3>& color =
      kColors[std::min<std::size_t>(4, static_cast<std::size_t>(5 * dyed * (0.55 + 0.6 * female)))];
  traits.hair_color = {color[0], color[1], color[2]};
  const bool hides_gray = chance(random, 0.25 + 0.35 * female);
  const double graying = ramp(traits.looks_age, 40, 76) * (hides_gray ? 0.35 : 1.0);
  traits.gray = cue(random, graying, 0.02 + 0.16 * ramp(traits.looks_age, 28, 50));
  traits.volume = between(random, 0.05, 0.17);
  traits.volume -= 0.04 * ramp(traits.looks_age, 45, 75);
  traits.recession = cue(random, ramp(traits.looks_age, 26, 74) * (1 - 0.75 * female), 0.14);
  const bool has_fringe = chance(random, 0.25 + 0.3 * female - 0.25 * ramp(traits.looks_age, 30, 60));
  traits.fringe = between(random, 0.0, 0.2);
  if (has_fringe && traits.recession < 0.5) traits.fringe += between(random, 0.3, 0.8);
  traits.parting = between(random, -0.4, 0.4);
  traits.length = between(random, 0, 1);
}

void draw_shape(FaceTraits& traits, RandomStream& random) {
  const double female = traits.looks_female, age = traits.looks_age;
  traits.width = between(random, 0.74, 0.83);
  traits.width += 0.03 * (1 - female);
  traits.jaw = cue(random, 0.78 - 0.5 * female + 0.1 * ramp(age, 35, 65), 0.17);
  traits.chin = between(random, -0.05, 0.05);
  traits.chin += 0.05 * (1 - female);
  traits.cheeks = cue(random, 0.5 - 0.2 * ramp(age, 30, 70), 0.22);
  traits.sag = cue(random, ramp(age, 38, 72), 0.12);
  traits.blotches = cue(random, 0.8 * ramp(age, 38, 72), 0.15);
  traits.brow_thickness = cue(random, 0.72 - 0.42 * female, 0.16);
  traits.brow_arch = cue(random, 0.3 + 0.35 * female, 0.2);
  traits.brow_height = between(random, -0.03, 0.03);
  traits.eye_size = cue(random, 0.42 + 0.28 * female - 0.25 * ramp(age, 35, 70), 0.16);
  traits.eye_distance = between(random, 0.33, 0.38);
  traits.lid_droop = cue(random, ramp(age, 36, 74), 0.14);
  traits.lashes = cue(random, 0.08 + 0.58 * female * (1 - 0.45 * ramp(age, 35, 65)), 0.2);
  traits.bags = cue(random, 0.08 + 0.8 * ramp(age, 32, 68), 0.16);
  traits.nose_width = cue(random, 0.62 - 0.25 * female, 0.2);
  traits.nose_length = between(random, -0.04, 0.05);
  traits.lip_fullness = cue(random, 0.42 + 0.25 * female - 0.25 * ramp(age, 35, 70), 0.17);
  traits.lip_color = cue(random, 0.2 + 0.42 * female, 0.22);
  traits.mouth_width = between(random, 0.21, 0.27);
}

void draw_skin_signs(FaceTraits& traits, RandomStream& random) {
  const double female = traits.looks_female, age = traits.looks_age;
  const bool shaves_well = chance(random, 0.4);
  traits.stubble = share((1 - 1.5 * female) * (shaves_well ? 0.25 : 0.75) + 0.14 * normal(random));
  traits.mustache = chance(random, 0.10 * (1 - female)) ? between(random, 0.4, 1) : 0;
  traits.forehead_lines = cue(random, 0.9 * ramp(age, 30, 68), 0.17);
  traits.crow_feet = cue(random, ramp(age, 31, 68), 0.17);
  traits.mouth_folds = cue(random, 0.12 + 0.88 * ramp(age, 27, 68), 0.16);
  traits.frown_lines = cue(random, 0.8 * ramp(age, 35, 70), 0.2);
  const double glasses = between(random, 0, 1);
  const double wears = 0.26 + 0.16 * ramp(age, 42, 60);
  traits.glasses = glasses > wears ? Glasses::kNone : glasses < 0.55 * wears ? Glasses::kThin : Glasses::kThick;
  traits.earrings = chance(random, 0.05 + 0.33 * female);
}

Color clothes_color(RandomStream& random, const FaceTraits& traits) {
  const Color bright{between(random, 40, 240), between(random, 40, 240), between(random, 60, 240)};
  const double gray_level = between(random, 20, 235);
  const double colorful = cue(random, 0.2 + 0.25 * traits.looks_female + 0.15 * ramp(traits.looks_age, 45, 65), 0.25);
  return mix({gray_level, gray_level, gray_level}, bright, colorful);
}

void draw_body(FaceTraits& traits, RandomStream& random) {
  const double female = traits.looks_female;
  traits.shoulders = between(random, 1.5, 1.8);
  traits.shoulders += 0.16 * (1 - female);
  traits.neck = between(random, 0.36, 0.46);
  traits.neck += 0.09 * (1 - female);
  const double collar = between(random, 0, 1);
  traits.collar = collar < 0.42                   ? Collar::kRound
                  : collar < 0.50 + 0.14 * female ? Collar::kOpen
                  : collar < 0.80                 ? Collar::kShirt
                  : collar < 0.92                 ? Collar::kHigh
                                                  : Collar::kScarf;
  traits.clothes = clothes_color(random, traits);
  traits.clothes_second = clothes_color(random, traits);
  traits.clothes_pattern = chance(random, 0.35) ? 1 + static_cast<int>(random.below(3)) : 0;
}

}  // namespace

FaceTraits draw_traits(Gender gender, int age, RandomStream& random) {
  FaceTraits traits;
  traits.looks_female = share((gender == Gender::kFemale ? 0.86 : 0.14) + kGenderSpread * normal(random));
  const double years = age < kOldestLabel ? age : age + kBeyondOldest * random.uniform();
  traits.looks_age = years + kAgeSpread * normal(random);
  draw_shape(traits, random);
  traits.skin = skin_color(random, traits);
  draw_hair_traits(traits, random);
  draw_skin_signs(traits, random);
  draw_body(traits, random);
  return traits;
}

}  // namespace pleat
