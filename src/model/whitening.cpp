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
      "models: whiten needs a network whose first convolution takes all {} channels of an image; leave it out",
      channels);
}

}  // namespace

Whitening::Whitening(Classifier& classifier, std::int64_t channels)
    : convolution_(first_convolution(classifier, channels)) {
  const std::int64_t size = convolution_.weight[0].numel();
  sum_ = torch::zeros({size}, at::kDouble);
  products_ = torch::zeros({size, size}, at::kDouble);
}

// An image at a time: all patches of a batch of photos would take gigabytes.
void Whitening::add(const torch::Tensor& images) {
  constexpr std::int64_t kEvery = 2;  // pixels from patch to patch
  const torch::NoGradGuard no_grad;
  const torch::Tensor& weight = convolution_.weight;
  if (images.size(2) < weight.size(2) || images.size(3) < weight.size(3)) return;
  for (std::int64_t i = 0; i < images.size(0); ++i) {
    const torch::Tensor patches = images[i].unfold(1, weight.size(2), kEvery).unfold(2, weight.size(3), kEvery);
    const torch::Tensor rows = patches.permute({1, 2, 0, 3, 4}).reshape({-1, sum_.numel()}).to(at::kDouble);
    sum_ += rows.sum(0);
    products_ += rows.t().mm(rows);
    patches_ += rows.size(0);
  }
}

void Whitening::set_filters() const {
  if (patches_ == 0) return;
  const torch::NoGradGuard no_grad;
  const auto count = static_cast<double>(patches_);
  const torch::Tensor mean = sum_ / count;
  const torch::Tensor covariance = products_ / count - mean.outer(mean);
  const auto [variances, components] = at::linalg_eigh(covariance);  // ascending; components are columns
  const double average = variances.mean().item<double>();
  constexpr double kNone = 1e-12;  // rounding leaves this much of constant images
  if (!(average > kNone)) return;
  constexpr double kFloor = 1e-3;  // of the average: components without variance would become noise
  const torch::Tensor rows = (components / (variances.clamp_min(0) + kFloor * average).sqrt()).t().flip(0);
  torch::Tensor& weight = convolution_.weight;
  const torch::Tensor filters = rows.reshape({-1, weight.size(1), weight.size(2), weight.size(3)});
  const std::int64_t half = std::min(filters.size(0), weight.size(0) / 2);
  weight.narrow(0, 0, half).copy_(filters.narrow(0, 0, half));
  weight.narrow(0, half, half).copy_(-filters.narrow(0, 0, half));
}

}  // namespace pleat
