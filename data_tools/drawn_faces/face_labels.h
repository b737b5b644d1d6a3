// The true labels of synthetic persons, and those in the table. They differ where label noise was added.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "data_tools/drawn_faces/face_drawing.h"
#include "data_tools/drawn_faces/face_traits.h"

namespace pleat {

struct PersonLabels {
  Gender gender{};
  int age = 0;  // years
};

struct FaceLabels {
  PersonLabels truth, said;
  std::array<int, kPhotosPerPerson> photo_of{};  // the photo under each name; differs only after a swap
};

/// Ages are 18 to 60, unevenly distributed; 60 stands for any age from 60 on.
///   noise: probability of a wrong gender, of an age moved across 30 or 60, and of a photo under a wrong mask label
FaceLabels draw_labels(std::uint64_t seed, std::uint32_t person, double noise);

std::string_view name_of(Gender gender);

/// Returns 0 to 17: mask * 6 + gender * 3 + age.
///   mask: wear, incorrect, normal; gender: male, female; age: below 30, below 60, from 60
int face_class(int photo, const PersonLabels& labels);

}  // namespace pleat
