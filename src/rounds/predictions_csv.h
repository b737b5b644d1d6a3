// predictions.csv: what the ensemble says of rows that no fold held out.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "rounds/gather.h"

namespace pleat {

/// predictions.csv: a row per test and unlabelled row; per target its class and each class's probability, and of one
/// taught as a number that and its standard deviation.
std::string predictions_csv(const std::vector<GatheredTarget>& targets, const Dataset& dataset);

/// The same for any rows: `probs[t]` [rows, C] of the target with those classes.
struct TargetProbs {
  std::string target;
  std::vector<std::string> classes;
  torch::Tensor probs;
  torch::Tensor normal;  // [rows, 2] mean and standard deviation; undefined unless it is taught as a number
};
std::string format_predictions(const std::vector<std::string>& ids, const std::vector<std::string>& splits,
                               const std::vector<TargetProbs>& targets);

}  // namespace pleat
