// The seven photos of a person in the contest's layout: file names and mask labels.
#pragma once

#include <array>
#include <string_view>

namespace pleat {

constexpr int kPhotosPerPerson = 7;
constexpr int kMaskedPhotos = 5;      // photos 0 to 4: five kinds of mask, worn correctly
constexpr int kWronglyWornPhoto = 5;  // a mask below the nose or at the chin
constexpr int kBarePhoto = 6;         // no mask

/// File names without extension, by photo number.
constexpr std::array<std::string_view, kPhotosPerPerson> kPhotoNames = {"mask1", "mask2",          "mask3", "mask4",
                                                                        "mask5", "incorrect_mask", "normal"};

/// "wear", "incorrect" or "normal".
constexpr std::string_view mask_label(int photo) {
  return photo < kMaskedPhotos ? "wear" : photo == kWronglyWornPhoto ? "incorrect" : "normal";
}

}  // namespace pleat
