// Options of pleat sweep (sweep): which trainings are run and what is kept of them.
#pragma once

#include <string>
#include <tuple>

#include "base/fields.h"

namespace pleat {

struct SweepConfig {
  std::string strategy = "race";
  double short_share = 0.2;
  std::string keep = "best";
  static constexpr auto fields() {
    return std::tuple{
        field("strategy", &SweepConfig::strategy, one_of("race", "full"), runtime,
              "race: all cells on one fold with a short schedule, the best third of them with the full schedule, the "
              "best of these on the other folds, as long as they are not behind; full: all cells on all folds"),
        field("short_share", &SweepConfig::short_share, between(0.01, 0.5), runtime,
              "length of race's short schedule as a share of train.epochs"),
        field("keep", &SweepConfig::keep, one_of("best", "all", "scores"), runtime,
              "weights to keep. best: of the best cell, and of the cells that --collect joins; all: of every network "
              "with the full schedule; scores: none; predictions and scores are always kept")};
  }
};

}  // namespace pleat
