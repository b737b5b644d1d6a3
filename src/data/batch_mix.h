// MixUp and CutMix: training images that show two images of their batch.
#pragma once

#include "data/batch_augment.h"

namespace pleat {

/// Mixes each image with another of the batch and sets `partners` and `share`: how much of the image's own label is
/// due. With mixup and cutmix both wanted, the batch gets one of them, by a draw of its own. Source: Zhang et al. 2017,
/// arXiv:1710.09412; Yun et al. 2019, arXiv:1905.04899; but a share for each image, where those draw one for the batch.
void mix_batch(const AugmentContext& context, Batch& batch);

/// From a beta distribution with both parameters `alpha` > 0, in [0, 1]; symmetric about 1/2.
double draw_beta(double alpha, RandomStream& random);

}  // namespace pleat
