// How a trained model predicts; see docs/config.md, which is made from here.
#pragma once

#include <tuple>

#include "base/fields.h"

namespace pleat {

struct PredictConfig {
  bool flip = false;
  static constexpr auto fields() {
    return std::tuple{
        field("flip", &PredictConfig::flip, any(), identity,
              "take the mean of the logits of each image and of its mirror image, at twice the time of a prediction "
              "(test-time augmentation)")};
  }
};

}  // namespace pleat
