// Changes to whole batches of training images, on the device that trains on them: rotation, color jitter, RandAugment,
// erased boxes, MixUp and CutMix. Pure in (batch, random numbers of its keys): the same on any rank and after a resume.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/augment.h"
#include "data/batch_loader.h"

namespace pleat {

/// Where the numbers come from: those of an image from its row of the crops file, whatever else is in its batch; those
/// of the batch (who is mixed with whom) from its step and part.
struct BatchKey {
  RandomKey key;                       // seed, round, fold, epoch, step, part
  std::span<const std::int64_t> rows;  // of the crops file, one per image

  /// One stream per image. `number`: the augmentation's, so that none changes another's draws.
  std::vector<RandomStream> per_image(Purpose purpose, std::uint32_t number) const;
  RandomStream of_batch() const;
};

/// What an augmentation goes by.
struct AugmentContext {
  const AugmentConfig& config;
  const PixelNorm& norm;
  const BatchKey& key;
};

/// One line of the table of all augmentations, in the order in which they are applied.
struct Augmentation {
  const char* name;  // the config's word for it
  bool (*wanted)(const AugmentConfig& config);
  void (*copy)(const AugmentConfig& from, AugmentConfig& to);  // its options alone
  /// Pixels [n, C, H, W] float32, 0 to 1. Null where it is done as the batch is read (flip, pad, resized crop), or
  /// takes labels too and comes after all others (mixup, cutmix).
  torch::Tensor (*change)(const AugmentContext& context, const torch::Tensor& pixels);
};
std::span<const Augmentation> augmentations();

/// Nothing at all.
AugmentConfig no_augmentation();
/// What of `config` one augmentation is.
AugmentConfig only(const Augmentation& augmentation, const AugmentConfig& config);

/// Changes the images, and says in `partners` and `share` which were mixed; a batch that nothing is wanted of keeps its
/// bits. `norm`: what its pixels were normalised by.
void augment_batch(const AugmentContext& context, Batch& batch);

}  // namespace pleat
