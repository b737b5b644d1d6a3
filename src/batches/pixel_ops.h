// Operations on the colors and shapes of images, for RandAugment and other augmentations. Tensor code for any device.
// Each image of a batch has its own amount.
//   images [n, C, H, W] float32, C = 1 or 3, pixels from 0 (black) to 1; amounts [n] float32 on the same device
// Each operation returns new images, with pixels clamped to 0 … 1.
// Source: torchvision.transforms.v2.functional; tests/parity checks the agreement.
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace pleat {

/// Multiplies pixels by the amount.
torch::Tensor adjust_brightness(const torch::Tensor& images, const torch::Tensor& amounts);
/// 0: the image's mean gray everywhere; 1: unchanged.
torch::Tensor adjust_contrast(const torch::Tensor& images, const torch::Tensor& amounts);
/// 0: gray; 1: unchanged. Gray images stay unchanged.
torch::Tensor adjust_saturation(const torch::Tensor& images, const torch::Tensor& amounts);
/// 0: blurred by a 3×3 kernel, except the borders; 1: unchanged; above 1: sharpened.
torch::Tensor adjust_sharpness(const torch::Tensor& images, const torch::Tensor& amounts);
/// Inverts pixels of at least the amount.
torch::Tensor solarize(const torch::Tensor& images, const torch::Tensor& amounts);
/// Reduces pixels to as many levels as the amount, from 0 in steps of 1 / amount.
torch::Tensor posterize(const torch::Tensor& images, const torch::Tensor& amounts);
/// Stretches each channel to 0 … 1; a constant channel stays unchanged.
torch::Tensor autocontrast(const torch::Tensor& images);
/// Spreads each channel's 256 levels so that all are used equally.
torch::Tensor equalize(const torch::Tensor& images);

/// Moves images. Each output pixel at p (x to the right, y down, in pixels from the centre) shows the input at
/// `matrix` * p + `shift`, bilinearly. Outside the image is black.
struct Affine {
  torch::Tensor matrix;  // [n, 2, 2] float32
  torch::Tensor shift;   // [n, 2] float32, pixels (x, y)
};
torch::Tensor move_pixels(const torch::Tensor& images, const Affine& affine);

/// Returns whether each pixel is inside its image's box, [n, 1, height, width] bool.
///   boxes [n, 4] int64: top, left, bottom, right; the last two exclusive
torch::Tensor inside(const torch::Tensor& boxes, std::int64_t height, std::int64_t width);

/// Rotates images about their centre, counterclockwise.
///   degrees [n] float32
Affine rotation(const torch::Tensor& degrees);

}  // namespace pleat
