// Augments whole batches of training images on the training device: rotation, color jitter, RandAugment, erased boxes,
// MixUp and CutMix. Reproducible: depends only on the batch and the random numbers of its keys, so any rank and any
// resume give the same result.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "batches/batch_loader.h"
#include "data/augment.h"

namespace pleat {

/// The keys of the random numbers. An image's numbers depend on its row of the crops file, not on its batch. The
/// batch's numbers (pairs to mix) depend on step and part.
struct BatchKey {
  RandomKey key;                       // seed, round, fold, epoch, step, part
  std::span<const std::int64_t> rows;  // of the crops file, one per image

  /// Returns one stream per image.
  ///   number: of the augmentation, so that no augmentation changes another's draws
  std::vector<RandomStream> per_image(Purpose purpose, std::uint32_t number) const;
  RandomStream of_batch() const;
};

/// The inputs of an augmentation.
struct AugmentContext {
  const AugmentConfig& config;
  const PixelNorm& norm;
  const BatchKey& key;
};

/// One line of the table of all augmentations, which is in order of application.
struct Augmentation {
  const char* name;  // as in the config
  bool (*wanted)(const AugmentConfig& config);
  void (*copy)(const AugmentConfig& from, AugmentConfig& to);  // only the augmentation's options
  /// Changes pixels [n, C, H, W] float32, 0 to 1. Null for augmentations that are applied while the batch is read
  /// (flip, pad, resized crop), and for those that also change labels and come last (mixup, cutmix).
  torch::Tensor (*change)(const AugmentContext& context, const torch::Tensor& pixels);
};
std::span<const Augmentation> augmentations();

/// Returns a config with all augmentations off.
AugmentConfig no_augmentation();
/// Returns `config` with only one augmentation on.
AugmentConfig only(const Augmentation& augmentation, const AugmentConfig& config);

/// Changes the images, and sets `partners` and `share` if images are mixed. If no augmentation is on, the batch keeps
/// its bits. The context's `norm` is the normalisation of the batch's pixels.
///   pseudo: changes the batch's pseudo-labelled rows, in place of the context's config, and mixes all rows; null: the
///   context's config does both for all rows
void augment_batch(const AugmentContext& context, Batch& batch, const AugmentConfig* pseudo = nullptr);

}  // namespace pleat
