// Changes of images' colors and shapes, as RandAugment and its kin use them. Tensor code for any device; each image of
// a batch has an amount of its own.
//   images [n, C, H, W] float32, C = 1 or 3, pixels from 0 (black) to 1; amounts [n] float32 on the same device
// Each returns new images, pixels clamped to 0 … 1. Source of the definitions: torchvision.transforms.v2.functional,
// with which they agree (tests/parity).
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace pleat {

/// Pixels times the amount.
torch::Tensor adjust_brightness(const torch::Tensor& images, const torch::Tensor& amounts);
/// 0: the image's mean gray all over; 1: as it is.
torch::Tensor adjust_contrast(const torch::Tensor& images, const torch::Tensor& amounts);
/// 0: gray; 1: as it is. Gray images stay as they are.
torch::Tensor adjust_saturation(const torch::Tensor& images, const torch::Tensor& amounts);
/// 0: blurred by a 3×3 kernel (borders stay); 1: as it is; above: sharpened.
torch::Tensor adjust_sharpness(const torch::Tensor& images, const torch::Tensor& amounts);
/// Pixels of at least the amount are inverted.
torch::Tensor solarize(const torch::Tensor& images, const torch::Tensor& amounts);
/// As many levels as the amount, from 0 in steps of 1 / amount.
torch::Tensor posterize(const torch::Tensor& images, const torch::Tensor& amounts);
/// Each channel stretched to 0 … 1; a constant one stays.
torch::Tensor autocontrast(const torch::Tensor& images);
/// Each channel's 256 levels spread so that all are used alike.
torch::Tensor equalize(const torch::Tensor& images);

/// How an image is moved: each output pixel (x to the right, y down, in pixels from the centre) shows the input at
/// `matrix` times it plus `shift`, bilinearly; beyond the image is black.
struct Affine {
  torch::Tensor matrix;  // [n, 2, 2] float32
  torch::Tensor shift;   // [n, 2] float32, pixels (x, y)
};
torch::Tensor move_pixels(const torch::Tensor& images, const Affine& affine);

/// Where the image's pixels are inside of its box.  boxes [n, 4] int64: top, left, bottom, right, the last two not
/// included.  Returns [n, 1, height, width] bool.
torch::Tensor inside(const torch::Tensor& boxes, std::int64_t height, std::int64_t width);

/// Turns images about their centre, counterclockwise.  degrees [n] float32
Affine rotation(const torch::Tensor& degrees);

}  // namespace pleat
