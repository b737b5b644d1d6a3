// Draws a photo of a synthetic person, as a function of seed, person and photo number only. Includes no OpenCV header.
#pragma once

#include <cstdint>
#include <vector>

#include "data_tools/tables/person_photos.h"

namespace pleat {

enum class Gender;

struct DrawnPerson {
  std::uint64_t seed = 0;
  std::uint32_t number = 0;
  Gender gender{};
  int age = 0;  // years; 60 stands for any age from 60 on
};

/// Returns a JPEG of 384 x 512 pixels (width x height).
/// Requires: OpenCV's own threads are off (quiet_opencv).
/// Thread-safe.
std::vector<std::uint8_t> draw_face(const DrawnPerson& person, int photo);

}  // namespace pleat
