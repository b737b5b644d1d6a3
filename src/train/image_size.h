// Size of the training images as a pure function of the epoch (progressive resizing).
#pragma once

#include <cstdint>

#include "data/crop_file.h"
#include "train/train_config.h"

namespace pleat {

/// Size of the training images in `epoch`.
///   epoch: from 0
///   full: size of the crops, also used in evaluation
/// The shorter side is progressive.from until progressive.delay of all epochs. It then grows linearly to full size at
/// progressive.until, and the longer side grows in proportion, both in multiples of 4 pixels. The last epoch always has
/// full size.
/// Source: Tan & Le 2021, arXiv:2104.00298, but without its growing regularisation.
ImageShape epoch_image_size(const TrainConfig& config, std::int64_t epoch, const ImageShape& full);

}  // namespace pleat
