// A trained network's logits for given rows; no row is padded, repeated or left out.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>

#include "data/augment.h"
#include "data/crop_file.h"
#include "model/classifier.h"

namespace pleat {

struct PredictOptions {
  PixelNorm norm;
  bool bf16 = false;
  // Means over several views of each image (image_views.h):
  bool flip = false;       // it and its mirror image
  std::int64_t shift = 0;  // it, and moved by that many pixels each way; 0: off
  torch::Device device = at::kCPU;
  std::int64_t batch = 256;   // fixed, so that the bits do not depend on who predicts
  int shard = 0, shards = 1;  // this shard takes batches shard, shard + shards, …
};

/// What a network for these crops and that many classes is made for.
ClassifierShape classifier_shape(const ImageShape& crops, int classes);

/// Logits [rows.size(), C] float32 on CPU, in the rows' order. Rows of batches that other shards take are zero: the sum
/// over the shards is the whole, exactly. Leaves the classifier in eval mode.
torch::Tensor predict_logits(Classifier& classifier, const CropFile& crops, std::span<const std::int64_t> rows,
                             int classes, const PredictOptions& options);

}  // namespace pleat
