// Test-time augmentation: the network's outputs are averaged over several views of each image.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "data/augment.h"

namespace pleat {

/// A view mirrors the image left to right or not, then moves it; the uncovered pixels are black. Training does the same
/// (Placement), so the network has seen such images.
struct ImageView {
  bool flip = false;
  std::int64_t right = 0, down = 0;  // pixels; negative: left, up
};

/// Returns 1, 2, 5 or 10 views; the image itself comes first.
///   shift > 0: also the image moved by this many pixels left, right, up and down
///   flip: also the mirror image of each of the above
std::vector<ImageView> views_of(bool flip, std::int64_t shift);

/// Black in the loader's normalisation: [1, C, 1, 1] float32.
torch::Tensor black_pixel(const PixelNorm& norm, const torch::Device& device);

/// Applies a view. Returns the images in the same memory layout, or `images` itself if the view changes nothing.
///   images [N, C, H, W]; moved by a whole side or more, they are all black
///   black: from black_pixel, on the images' device
torch::Tensor seen_by(const ImageView& view, const torch::Tensor& images, const torch::Tensor& black);

}  // namespace pleat
