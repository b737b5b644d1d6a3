// MixUp and CutMix: mix each training image with another of its batch.
#pragma once

#include "batches/batch_augment.h"

namespace pleat {

/// Mixes each image with another of the batch. Sets `partners`, and `share`: the weight of the image's own label. If
/// both mixup and cutmix are on, a draw per micro-batch selects one.
/// Source: Zhang et al. 2017, arXiv:1710.09412; Yun et al. 2019, arXiv:1905.04899. Both draw one share for the batch;
/// here each image has its own.
void mix_batch(const AugmentContext& context, Batch& batch);

/// Draws from a beta distribution with both parameters `alpha` > 0, in [0, 1]; symmetric about 1/2.
double draw_beta(double alpha, RandomStream& random);

}  // namespace pleat
