// A photo as the training sees it: decoded upright, cropped, resized, RGB.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "data_tools/image_header.h"  // BadPhoto

namespace pleat {

enum class CropMode {
  kNone,    // the whole photo, stretched to the size
  kCenter,  // the largest centred box of the size's shape
};

struct PhotoOptions {
  int height = 64, width = 64;  // pixels of the crop
  CropMode crop = CropMode::kNone;
};

/// Decodes a JPEG or PNG (EXIF orientation applied, transparent parts on white, 16 bits to 8) and makes the crop.
///   crop: height * width * 3 bytes, RGB interleaved, area-averaged
/// Throws BadPhoto if the photo cannot be used, or is of more than 100 million pixels. Safe from many threads.
void make_crop(std::span<const std::uint8_t> photo, const PhotoOptions& options, std::span<std::uint8_t> crop);

/// The bytes of a photo file. Throws BadPhoto if it is not there, cannot be read, or holds more than 256 MiB.
std::vector<std::uint8_t> read_photo(const std::filesystem::path& path);

}  // namespace pleat
