// Masks that people bring along: where in a photo the person is.
#pragma once

#include <filesystem>

#include "data_tools/photo.h"
#include "data_tools/picture.h"

namespace pleat {

/// Where the mask of a photo is: at the photo's path, but ending in .png.
std::filesystem::path mask_path(const std::filesystem::path& masks, const std::filesystem::path& photo);

/// How much of each pixel of `shown`, drawn at height x width, is the person: 0 none, 255 all. Throws BadPhoto if the
/// mask cannot be used: damaged, of another size than the photo, with colours or alpha, or so dark that it would hide
/// all (labels of 0 and 1, say).
Picture read_mask(const std::filesystem::path& file, const Photo& photo, const PhotoBox& shown, int height, int width);

}  // namespace pleat
