// Scores of a gathered target: the ensemble, its models and folds, on out-of-fold and on held-out test rows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ensemble/resample.h"
#include "rounds/gather.h"
#include "target/metrics.h"

namespace pleat {

struct ModelScores {
  std::string id;
  Scores oof;
  std::optional<Scores> test;      // of the mean over its folds
  std::vector<Scores> test_folds;  // of each fold alone, on the same rows
};

struct TargetScores {
  std::string target;
  Scores oof;                         // of the ensemble's out-of-fold predictions, cross-fitted
  Scores in_sample;                   // as oof, but the ensemble is fitted to the rows that it is scored on
  Blend blend;                        // of the ensemble; of a derived target: without a method
  double spread = 0;                  // standard deviation of the score over the folds
  std::optional<Scores> test;         // of the ensemble, on the labelled test rows
  int oof_alone = 0, test_alone = 0;  // number of classes that only train rows, or only test rows, have
  std::vector<Scores> folds;          // of the ensemble, per fold of the first repeat
  std::vector<ModelScores> models;
  // The leak meter: the OOF score less the mean held-out score of one fold's models, both with one fold's models per
  // row. Far above 0: labels have leaked, or new groups differ from the known ones.
  std::optional<Interval> leak;
  std::optional<NumberScores> oof_number, test_number;  // for a target trained as a number
};
/// Scores a gathered target.
///   group: data.group
TargetScores score_target(const GatheredTarget& gathered, const Dataset& dataset, const FoldPlan& plan,
                          const std::string& group, const std::string& score_name);

/// Standard deviation of the named score.
double spread_of(const std::vector<Scores>& all, const std::string& score_name);

}  // namespace pleat
