// Crops to batches, made ahead of the training loop by a few threads. What a batch holds depends on its plan alone:
// never on which thread makes it, or when.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data/augment.h"
#include "data/crop_file.h"

namespace pleat {

/// One batch to be made.
struct BatchPlan {
  std::vector<std::int64_t> rows;  // of the crops file
  std::uint32_t epoch = 0;         // augmentation is drawn anew in each
};

struct Batch {
  torch::Tensor images;            // [n, C, H, W] float32, channels_last, normalised
  std::vector<std::int64_t> rows;  // the plan's
  // Undefined unless images are mixed (batch_mix.h): partners [n] int64, the position in this batch of the image that
  // is mixed into each; share [n] float32, 0 to 1, of the image's own label.
  torch::Tensor partners, share;
};

struct LoaderOptions {
  PixelNorm norm;
  AugmentConfig augment;
  bool training = false;  // false: images as they are
  RandomKey key;          // seed, round and fold; the loader fills in purpose, epoch and sample
  // Of the batches' images, with the crops' channels; none: as the crops.
  std::optional<ImageShape> shape;
  int threads = 1;
  int ahead = 4;        // batches made before they are asked for
  bool pinned = false;  // page-locked memory, for copies to a CUDA device
};

class BatchLoader {
 public:
  /// `crops` must outlive the loader. The plans are served in their order.
  BatchLoader(const CropFile& crops, const LoaderOptions& options, std::vector<BatchPlan> plans);
  ~BatchLoader();

  /// The next batch; each exactly once. Rethrows what failed while it was made (DataError for a changed byte).
  Batch next();
  /// Seconds that next() has waited so far for a batch that was not ready.
  double waited_seconds() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Positions 0…count-1 in the order in which `key` (purpose, epoch and all set by the caller) shuffles them.
std::vector<std::int64_t> shuffled_positions(std::size_t count, const RandomKey& key);

/// Where part `index` of `parts` nearly equal parts of [0, count) begins; sizes differ by at most one.
std::size_t part_begin(std::size_t count, std::size_t parts, std::size_t index);

}  // namespace pleat
