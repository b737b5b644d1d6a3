#include "data_tools/drawn_faces/face_labels.h"

#include <numeric>
#include <utility>

#include "data_tools/drawn_faces/draws.h"

namespace pleat {
namespace {

constexpr int kYoungest = 18, kMiddle = 30, kOld = 60;  // years; the last two are the limits of the classes
constexpr double kFemaleShare = 0.58;

enum class Part : std::uint32_t { kTruth = 1, kNoise = 2, kSwaps = 3 };

RandomStream numbers(std::uint64_t seed, std::uint32_t person, Part part) {
  return RandomStream(
      {.seed = seed, .purpose = Purpose::kFaceLabels, .part = static_cast<std::uint32_t>(part), .sample = person});
}

// Mostly the ages of students and of their parents, few between, a tenth at the last age.
int draw_age(RandomStream& random) {
  const double group = random.uniform(), place = random.uniform();
  if (group < 0.44) return kYoungest + static_cast<int>(12 * place * (0.4 + 0.6 * place));
  if (group < 0.60) return kMiddle + static_cast<int>(15 * place);
  if (group < 0.90) return kOld - 1 - static_cast<int>(15 * place * (0.3 + 0.7 * place));
  return kOld;
}

// Moves the age to just beyond the nearer limit.
int moved_age(int age, RandomStream& random) {
  const int years = static_cast<int>(random.below(5));
  if (age < kMiddle) return kMiddle + years;
  if (age >= kOld || age < (kMiddle + kOld) / 2) return (age >= kOld ? kOld : kMiddle) - 1 - years;
  return kOld;
}

// Returns a photo with another mask label than `photo`.
int swap_partner(int photo, RandomStream& random) {
  if (photo < kMaskedPhotos) return kWronglyWornPhoto + static_cast<int>(random.below(2));
  const int partner = static_cast<int>(random.below(kMaskedPhotos + 1));
  return partner < kMaskedPhotos ? partner : photo == kBarePhoto ? kWronglyWornPhoto : kBarePhoto;
}

// A swap makes two photos wrong, so the probability of a swap is half the noise.
std::array<int, kPhotosPerPerson> draw_swaps(RandomStream& random, double noise) {
  std::array<int, kPhotosPerPerson> photo_of{};
  std::iota(photo_of.begin(), photo_of.end(), 0);
  for (int photo = 0; photo < kPhotosPerPerson; ++photo) {
    const bool swaps = chance(random, noise / 2);
    const int partner = swap_partner(photo, random);
    auto &here = photo_of[static_cast<std::size_t>(photo)], &there = photo_of[static_cast<std::size_t>(partner)];
    if (swaps && here == photo && there == partner) std::swap(here, there);
  }
  return photo_of;
}

}  // namespace

FaceLabels draw_labels(std::uint64_t seed, std::uint32_t person, double noise) {
  RandomStream truth = numbers(seed, person, Part::kTruth), wrong = numbers(seed, person, Part::kNoise),
               swaps = numbers(seed, person, Part::kSwaps);
  FaceLabels labels;
  labels.truth.gender = chance(truth, kFemaleShare) ? Gender::kFemale : Gender::kMale;
  labels.truth.age = draw_age(truth);
  labels.said = labels.truth;
  if (chance(wrong, noise)) labels.said.gender = labels.truth.gender == Gender::kMale ? Gender::kFemale : Gender::kMale;
  if (chance(wrong, noise)) labels.said.age = moved_age(labels.truth.age, wrong);
  labels.photo_of = draw_swaps(swaps, noise);
  return labels;
}

std::string_view name_of(Gender gender) { return gender == Gender::kMale ? "male" : "female"; }

int face_class(int photo, const PersonLabels& labels) {
  const int mask = photo < kMaskedPhotos ? 0 : photo == kWronglyWornPhoto ? 1 : 2;
  const int age = labels.age < kMiddle ? 0 : labels.age < kOld ? 1 : 2;
  return mask * 6 + (labels.gender == Gender::kFemale ? 3 : 0) + age;
}

}  // namespace pleat
