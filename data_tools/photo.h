// A photo as the training sees it: decoded upright, cropped, resized, RGB. What each format and kind comes out as, or
// why it is refused: docs/formats.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>

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

/// Decodes a JPEG, PNG, WebP, BMP or TIFF (EXIF orientation applied, transparent parts on white, 16 bits to 8) and
/// makes the crop.
///   crop: height * width * 3 bytes, RGB interleaved, area-averaged (linear where it is larger than the photo)
/// Throws BadPhoto if the photo cannot be used: damaged, cut short, of another kind, of more than 100 million pixels.
/// Safe from many threads.
void make_crop(std::span<const std::uint8_t> photo, const PhotoOptions& options, std::span<std::uint8_t> crop);

/// Names and versions of the libraries that pixels depend on.
std::string decoder_names();

}  // namespace pleat
