// Makes batches from crops, ahead of the training loop, in a few threads. A batch depends on its plan only, never on
// the thread or the time.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data/augment.h"
#include "data/crop_file.h"

namespace pleat {

/// One batch to make.
struct BatchPlan {
  std::vector<std::int64_t> rows;  // of the crops file
  std::vector<bool> pseudo;        // per row: it has a pseudo-label; empty: none has
  std::uint32_t epoch = 0;         // each epoch has its own random numbers
  // Per row, in place of `epoch`: an epoch of a trunk may have a row twice. Empty: `epoch` for all.
  std::vector<std::uint32_t> passes;
};

struct Batch {
  torch::Tensor images;            // [n, C, H, W] float32, channels_last, normalised
  std::vector<std::int64_t> rows;  // the plan's
  std::vector<bool> pseudo;        // the plan's
  // Undefined unless images are mixed (batch_mix.h).
  // partners: [n] int64, the position in this batch of the image that is mixed into each
  // share: [n] float32, 0 to 1, the weight of the image's own label
  torch::Tensor partners, share;
};

struct LoaderOptions {
  PixelNorm norm;
  AugmentConfig augment;
  std::optional<AugmentConfig> pseudo_augment;  // of rows with a pseudo-label; none: as of the others
  bool training = false;                        // false: images unchanged
  RandomKey key;                                // seed, round and fold; the loader fills in purpose, epoch and sample
  // Of the batches' images, with as many channels as the crops; none: the crops' shape.
  std::optional<ImageShape> shape;
  int threads = 1;
  int ahead = 4;        // batches made in advance
  bool pinned = false;  // page-locked memory, for copies to a CUDA device
};

class BatchLoader {
 public:
  /// Serves the plans in order. Requires: `crops` outlives the loader.
  BatchLoader(const CropFile& crops, const LoaderOptions& options, std::vector<BatchPlan> plans);
  ~BatchLoader();

  /// Returns the next batch; each exactly once.
  /// Throws: the error that making the batch threw (DataError for a changed byte).
  Batch next();
  /// Returns the seconds that next() has waited so far for batches that were not ready.
  double waited_seconds() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Returns the positions 0…count-1, shuffled by `key`. The caller sets all of `key`, purpose and epoch included.
std::vector<std::int64_t> shuffled_positions(std::size_t count, const RandomKey& key);

/// Returns the start of part `index` of `parts` nearly equal parts of [0, count); sizes differ by at most one.
std::size_t part_begin(std::size_t count, std::size_t parts, std::size_t index);

}  // namespace pleat
