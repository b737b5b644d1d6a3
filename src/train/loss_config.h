// What training minimises, beyond plain cross-entropy; see docs/config.md, which is made from here.
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
              "weigh rows by their class: balanced gives each class the same sum over the fold's training rows, "
              "balanced_sqrt weighs by one over the root of a class's rows; the mean weight of a row stays 1"),
        field(
            "focal", &LossConfig::focal, between(0, 10), identity,
            "focal loss (Lin et al. 2017): a class's term counts by (1 - its probability) to this power, so that rows "
            "that are told already count less; 2, say; 0: off; not for a number (regress)"),
        field(
            "f1", &LossConfig::f1, between(0, 1), identity,
            "share of the loss that is 1 - macro F1, counted by probabilities over the classes that a part of a batch "
            "holds; the rest stays cross-entropy or focal loss; 0: off; not for a number (regress)")};
  }
};

}  // namespace pleat
