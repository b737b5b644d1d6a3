// The size of the training images as a pure function of the epoch (progressive resizing).
#pragma once

#include <cstdint>

#include "data/crop_file.h"
#include "train/train_config.h"

namespace pleat {

/// Of the training images in `epoch`, from 0; `full`: of the crops. The shorter side is progressive.from
/// until progressive.delay of all epochs and grows in a straight line from there to full size at progressive.until, the
/// longer one in proportion, both in multiples of 4; after that, and always in the last epoch, they have full size, as
/// in evaluation.
/// Source: Tan & Le 2021, arXiv:2104.00298 (there with regularisation that grows too, here without).
ImageShape epoch_image_size(const TrainConfig& config, std::int64_t epoch, const ImageShape& full);

}  // namespace pleat
