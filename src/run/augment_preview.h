// Preview images of a config's augmentations.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "run/dataset.h"

namespace pleat {

struct PreviewRow {
  std::string caption;
  std::vector<std::vector<std::uint8_t>> images;  // each of the crops' shape, [H, W, C]
};

/// Returns `count` training images, or all if there are fewer, spread over the training rows. One row shows them
/// unchanged, one row each active augmentation alone, and one row all together. Uses the run's seed and first epoch.
std::vector<PreviewRow> preview_augmentations(const RunConfig& config, const Dataset& dataset, std::size_t count);

}  // namespace pleat
