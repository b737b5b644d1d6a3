// Who is drawn, and what the table says of them: the two differ where a label was made wrong. Free of OpenCV.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "data_tools/face_drawing.h"
#include "data_tools/face_traits.h"

namespace pleat {

/// File names without their ending, by photo number; as the contest has them.
constexpr std::array<std::string_view, kPhotosPerPerson> kPhotoNames = {"mask1", "mask2",          "mask3", "mask4",
                                                                        "mask5", "incorrect_mask", "normal"};

struct PersonLabels {
  Gender gender{};
  int age = 0;  // years
};

struct FaceLabels {
  PersonLabels truth, said;
  std::array<int, kPhotosPerPerson> photo_of{};  // which photo lies under each name; its own, unless swapped
};

/// ages: 18 to 60, uneven; 60 stands for all above.
///   noise: probability of a wrong gender, of an age moved across 30 or 60, and of a photo under a wrong mask label
FaceLabels draw_labels(std::uint64_t seed, std::uint32_t person, double noise);

std::string_view name_of(Gender gender);

/// "wear", "incorrect", "normal".
std::string_view mask_label(int photo);

/// 0 to 17: mask * 6 + gender * 3 + age, with wear, incorrect, normal; male, female; below 30, below 60, from 60.
int face_class(int photo, const PersonLabels& labels);

}  // namespace pleat
