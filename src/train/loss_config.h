// Training loss (train.loss). docs/config.md is generated from this file.
#pragma once

#include <string>
#include <tuple>

#include "base/fields.h"

namespace pleat {

struct LossConfig {
  std::string class_weights = "none";
  double focal = 0.0;
  double f1 = 0.0;
  static constexpr auto fields() {
    return std::tuple{
        field("class_weights", &LossConfig::class_weights, one_of("none", "balanced", "balanced_sqrt"), identity,
              "weight rows by class: balanced gives all classes the same total weight over the fold's training rows; "
              "balanced_sqrt uses 1 / sqrt(rows of the class); the mean weight stays 1"),
        field(
            "focal", &LossConfig::focal, between(0, 10), identity,
            "focal loss (Lin et al. 2017): multiply each class's term by (1 - its probability) to this power, so that "
            "easy rows count less; for example 2; 0: off; not with regress"),
        field("f1", &LossConfig::f1, between(0, 1), identity,
              "share of the loss that is 1 - macro F1, computed from probabilities over the classes in each part of a "
              "batch; the rest stays cross-entropy or focal loss; 0: off; not with regress")};
  }
};

}  // namespace pleat
