// What a config's augmentations do, as images to look at.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rounds/dataset.h"

namespace pleat {

struct PreviewRow {
  std::string caption;
  std::vector<std::vector<std::uint8_t>> images;  // each of the crops' shape, [H, W, C]
};

/// `count` training images (fewer, if there are fewer), spread over the training rows: as they are, through each
/// augmentation that is on, alone, and through all together; with the run's seed, in its first epoch.
std::vector<PreviewRow> preview_augmentations(const RunConfig& config, const Dataset& dataset, std::size_t count);

}  // namespace pleat
