#include "model/whitening.h"

#include <ATen/ops/linalg_eigh.h>
#include <torch/nn/modules/conv.h>

#include <algorithm>

#include "base/error.h"

namespace pleat {
namespace {

namespace nn = torch::nn;

nn::Conv2dImpl& first_convolution(Classifier& classifier, std::int64_t channels) {
  for (const auto& module : classifier.modules(/*include_self=*/false)) {
    auto* convolution = module->as<nn::Conv2d>();
    if (convolution == nullptr) continue;
    if (convolution->options.groups() == 1 && convolution->options.in_channels() == channels) return *convolution;
    break;
  }
  throw DataError(
      "models[].whiten: the network's first layer is no convolution of images with {} channels; leave it out",
      channels);
}

// [patches, C x height x width] float64, from every second pixel each way.
torch::Tensor patches_of(const torch::Tensor& images, std::int64_t height, std::int64_t width) {
  constexpr std::int64_t kEvery = 2;
  const torch::Tensor patches = images.unfold(2, height, kEvery).unfold(3, width, kEvery);  // [N, C, y, x, h, w]
  return patches.permute({0, 2, 3, 1, 4, 5}).reshape({-1, images.size(1) * height * width}).to(at::kDouble);
}

}  // namespace

void whiten_first_convolution(Classifier& classifier, const torch::Tensor& images) {
  const torch::NoGradGuard no_grad;
  nn::Conv2dImpl& convolution = first_convolution(classifier, images.size(1));
  torch::Tensor& weight = convolution.weight;
  torch::Tensor patches = patches_of(images, weight.size(2), weight.size(3));
  patches -= patches.mean(0, /*keepdim=*/true);
  const torch::Tensor covariance = patches.t().mm(patches) / static_cast<double>(patches.size(0));
  const auto [variances, components] = at::linalg_eigh(covariance);  // ascending; components are columns
  const double mean = variances.mean().item<double>();
  if (!(mean > 0)) return;
  constexpr double kFloor = 1e-3;  // of the mean variance: components without any would become noise
  const torch::Tensor filters = (components / (variances.clamp_min(0) + kFloor * mean).sqrt())
                                    .t()
                                    .flip(0)
                                    .reshape({-1, weight.size(1), weight.size(2), weight.size(3)});
  const std::int64_t half = std::min(filters.size(0), weight.size(0) / 2);
  weight.narrow(0, 0, half).copy_(filters.narrow(0, 0, half));
  weight.narrow(0, half, half).copy_(-filters.narrow(0, 0, half));
}

}  // namespace pleat
