// Starts a network's first convolution as a whitening of its input.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "model/classifier.h"

namespace torch::nn {
class Conv2dImpl;
}

namespace pleat {

/// Source: Page 2018, "How to train your ResNet"; Jordan 2024, arXiv:2404.00498, where the filters stay as they are.
class Whitening {
 public:
  /// Throws: DataError if the network's first convolution does not take images of this many channels.
  Whitening(Classifier& classifier, std::int64_t channels);

  /// Adds the patches of images. [N, C, H, W] float32 on the CPU, normalised. Images smaller than the filters add none.
  void add(const torch::Tensor& images);

  /// Sets the filters to the principal components of the patches, the largest first, each over its standard deviation,
  /// and as many again with the other sign. Filters beyond twice the patch's size keep their values. Without patches,
  /// or with constant ones, all do.
  void set_filters() const;

 private:
  torch::nn::Conv2dImpl& convolution_;
  torch::Tensor sum_, products_;  // of all patches: [d] and [d, d] float64
  std::int64_t patches_ = 0;
};

}  // namespace pleat
