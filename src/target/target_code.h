// What a network is asked for a target, and how its answer is read as classes; fitted to the training side of one fold,
// so that nothing of the rows that the fold holds out is in it.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "base/fields.h"
#include "target/target.h"

namespace pleat {

struct TargetCode {
  Teaching teaching = Teaching::kClasses;
  int classes = 0;
  int outputs = 0;  // numbers that the network gives
  // Bins: where the numbers are cut (ascending, one fewer than bins), and what of each bin is each class's
  // [bin][class].
  std::vector<double> cuts;
  std::vector<std::vector<double>> shares;
  // The number itself: it is (number - mean) / deviation that is trained on, and classes are cut by edges.
  double mean = 0, deviation = 1;
  std::vector<double> edges;

  /// Bin of a number.
  int bin_of(double number) const { return class_by(cuts, number); }
  /// A number as it is trained on.
  double standardised(double number) const { return (number - mean) / deviation; }
};

/// `numbers`: of the fold's training rows, for a target with edges; `who`: "fold 3", for errors. Equal numbers go into
/// one bin, so bins are as even as that allows. Throws DataError if there are fewer different numbers than bins, or, to
/// regress, if all are the same.
TargetCode fit_code(const Target& target, const std::vector<double>& numbers, const std::string& who);

/// A network's outputs [n, outputs], any float type, as logits [n, classes] float32 whose softmax are the classes'
/// probabilities. Those of a target that is taught as classes pass through as they are.
torch::Tensor class_logits(const TargetCode& code, const torch::Tensor& outputs);

/// For `regress`: the mean and the standard deviation [n] float64 that the outputs stand for, in the column's own unit.
struct PredictedNumber {
  torch::Tensor mean, deviation;
};
PredictedNumber predicted_number(const TargetCode& code, const torch::Tensor& outputs);

/// The logarithm of the standard deviation (standardised), bounded smoothly to -4 … 3, in training and reading alike: a
/// deviation near 0 would let the loss of a row that is off run away, and a hard bound would have no slope to come back
/// by.
torch::Tensor log_deviation(const torch::Tensor& output);

Json to_json(const TargetCode& code);
/// Throws DataError naming `source`.
TargetCode code_from_json(const Json& json, const std::string& source);

}  // namespace pleat
