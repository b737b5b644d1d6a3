// Prediction options (predict). docs/config.md is generated from this file.
#pragma once

#include <cstdint>
#include <tuple>

#include "base/fields.h"

namespace pleat {

struct PredictConfig {
  bool flip = false;
  std::int64_t shift = 0;
  bool temperature = false;
  static constexpr auto fields() {
    return std::tuple{
        field("flip", &PredictConfig::flip, any(), identity,
              "average the logits of each image and its mirror image (test-time augmentation); takes twice as long"),
        field("shift", &PredictConfig::shift, between(0, 16), omit_at_default,
              "average the logits of each image and four copies, moved by this many pixels left, right, up and down "
              "with black borders; takes five times as long; with flip also their mirror images, ten times as long; "
              "0: off"),
        field("temperature", &PredictConfig::temperature, any(), omit_at_default,
              "fit a softmax temperature to each network, on the training rows that train.inner_share sets aside; "
              "probabilities that are too sure become less sure")};
  }
};

}  // namespace pleat
