// Predicts logits for given rows. No row is padded, repeated or skipped.
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
  // Test-time augmentation (image_views.h):
  bool flip = false;       // also predict the mirror image
  std::int64_t shift = 0;  // also predict the image moved by this many pixels each way; 0: off
  torch::Device device = at::kCPU;
  std::int64_t batch = 0;     // images at once; 0: prediction_batch
  int shard = 0, shards = 1;  // this shard takes batches shard, shard + shards, …
};

/// Shape of a network for these crops and this many classes.
ClassifierShape classifier_shape(const ImageShape& crops, int classes);

/// Returns the images of a batch: 256, and fewer if images exceed 128x128 pixels, so that memory stays bounded. Depends
/// on the shape alone, since the batch size affects the bits.
std::int64_t prediction_batch(const ImageShape& shape);

/// Returns logits [rows.size(), classes] float32 on CPU, in the order of `rows`. Rows of other shards' batches are
/// zero, so the sum over all shards is exact. Leaves the classifier in eval mode.
torch::Tensor predict_logits(Classifier& classifier, const CropFile& crops, std::span<const std::int64_t> rows,
                             int classes, const PredictOptions& options);

}  // namespace pleat
