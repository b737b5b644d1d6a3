// Test-time augmentation: the ways in which an image is shown to a network whose answers are averaged.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "data/augment.h"

namespace pleat {

/// Mirrored left to right or not, then moved by so many pixels; what comes in is black. As Placement shows images in
/// training, so that they are of the kind the network knows.
struct ImageView {
  bool flip = false;
  std::int64_t right = 0, down = 0;  // pixels; negative: left, up
};

/// The image itself first. shift > 0: the same moved by that many pixels left, right, up and down. flip: each of those
/// mirrored too. So 1, 2, 5 or 10 views.
std::vector<ImageView> views_of(bool flip, std::int64_t shift);

/// Black as the loader gives it: [1, C, 1, 1] float32, normalised.
torch::Tensor black_pixel(const PixelNorm& norm, const torch::Device& device);

/// images [N, C, H, W] as a view shows them, in the same layout; the images themselves if it changes nothing. Moved by
/// a side or more they are black.
///   black: of black_pixel, on the images' device
torch::Tensor seen_by(const ImageView& view, const torch::Tensor& images, const torch::Tensor& black);

}  // namespace pleat
