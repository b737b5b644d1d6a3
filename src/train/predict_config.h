// How a trained model predicts; see docs/config.md, which is made from here.
#pragma once

#include <cstdint>
#include <tuple>

#include "base/fields.h"

namespace pleat {

struct PredictConfig {
  bool flip = false;
  std::int64_t shift = 0;
  static constexpr auto fields() {
    return std::tuple{
        field("flip", &PredictConfig::flip, any(), identity,
              "take the mean of the logits of each image and of its mirror image, at twice the time of a prediction "
              "(test-time augmentation)"),
        field("shift", &PredictConfig::shift, between(0, 16), identity,
              "take the mean of the logits of each image and of it moved by this many pixels left, right, up and down, "
              "black coming in as with train.augment.pad, at five times the time of a prediction; with flip of all "
              "these and their mirror images, at ten times; 0: off")};
  }
};

}  // namespace pleat
