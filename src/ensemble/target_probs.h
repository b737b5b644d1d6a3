// Predictions of several targets for the same rows, and the CSV file of them. Format: docs/formats.md.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

namespace pleat {

/// The prediction of one target.
struct TargetProbs {
  std::string target;
  std::vector<std::string> classes;
  torch::Tensor probs;   // [rows, C] float64
  torch::Tensor normal;  // [rows, 2] float64 mean and standard deviation; undefined unless trained as a number
};

/// predictions.csv: id, split, then for each target its class, the probability of each class, and of a target trained
/// as a number its mean and standard deviation.
///   splits: by row, as they stand in the file
std::string format_predictions(const std::vector<std::string>& ids, const std::vector<std::string>& splits,
                               const std::vector<TargetProbs>& targets);

}  // namespace pleat
