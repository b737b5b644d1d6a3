// Reads the user's masks, which mark the person in a photo.
#pragma once

#include <filesystem>

#include "data_tools/photos/photo.h"
#include "data_tools/photos/picture.h"

namespace pleat {

/// Returns the path of a photo's mask: the photo's path below `masks`, but ending in .png.
std::filesystem::path mask_path(const std::filesystem::path& masks, const std::filesystem::path& photo);

/// Returns the share of each pixel of `shown`, drawn at height x width, that the person covers: 0 none, 255 all.
/// Throws: BadPhoto if the mask is damaged, of another size than the photo, has colours or alpha, or is so dark that it
/// would hide everything (for example labels 0 and 1).
Picture read_mask(const std::filesystem::path& file, const Photo& photo, const PhotoBox& shown, int height, int width);

}  // namespace pleat
