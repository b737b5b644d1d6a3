// One photo of a drawn person, as a function of seed, person and photo number and of nothing else. Free of OpenCV.
#pragma once

#include <cstdint>
#include <vector>

namespace pleat {

enum class Gender;

constexpr int kPhotosPerPerson = 7;
constexpr int kMaskedPhotos = 5;      // photos 0 to 4: five kinds of mask, worn right
constexpr int kWronglyWornPhoto = 5;  // a mask below the nose or at the chin
constexpr int kBarePhoto = 6;         // no mask

struct DrawnPerson {
  std::uint64_t seed = 0;
  std::uint32_t number = 0;
  Gender gender{};
  int age = 0;  // years; from 60 on it stands for any age above
};

/// A JPEG of 384 x 512 pixels (width x height). Safe from many threads; OpenCV's own must be off (quiet_opencv).
std::vector<std::uint8_t> draw_face(const DrawnPerson& person, int photo);

}  // namespace pleat
