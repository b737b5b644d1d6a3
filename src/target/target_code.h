// The code of a target: how labels become network outputs, and outputs become class probabilities. It is fitted to one
// fold's training rows, so that it does not depend on the fold's held-out rows.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/fields.h"
#include "base/tensor_fwd.h"
#include "target/target.h"

namespace pleat {

struct TargetCode {
  Teaching teaching = Teaching::kClasses;
  int classes = 0;
  int outputs = 0;  // of the network
  // Bins: the cuts between them (ascending, one fewer than bins), and each class's share of each bin [bin][class].
  std::vector<double> cuts;
  std::vector<std::vector<double>> shares;
  // Number: training uses (number - mean) / deviation, and edges cut numbers into classes.
  double mean = 0, deviation = 1;
  std::vector<double> edges;
  double temperature = 1;  // divides the class logits (predict.temperature)

  /// Returns the bin of a number.
  int bin_of(double number) const { return class_by(cuts, number); }
  /// Returns a number as it is used in training.
  double standardised(double number) const { return (number - mean) / deviation; }
};

/// Fits a target's code. Equal numbers share a bin, so bins are only as even as that allows.
///   numbers: those of the fold's training rows, for a target with edges; who: "fold 3", for errors
/// Throws: DataError for fewer different numbers than bins, or, with regress, if all numbers are equal.
TargetCode fit_code(const Target& target, const std::vector<double>& numbers, const std::string& who);

/// Converts a network's outputs [n, outputs], any float type, to logits [n, classes] float32. The logits' softmax gives
/// the classes' probabilities. At temperature 1, outputs of a target that is trained on classes keep their values.
torch::Tensor class_logits(const TargetCode& code, const torch::Tensor& outputs);

/// With `regress`: returns the predicted mean and standard deviation, each [n] float64, in the column's unit.
std::pair<torch::Tensor, torch::Tensor> predicted_number(const TargetCode& code, const torch::Tensor& outputs);

/// Returns the logarithm of the standardised deviation, smoothly bounded to -4 … 3, in training and prediction alike.
/// Without a bound, a deviation near 0 makes a wrong row's loss diverge. A hard bound has no gradient to recover by.
torch::Tensor log_deviation(const torch::Tensor& output);

Json to_json(const TargetCode& code);
/// Throws: DataError naming `source`.
TargetCode code_from_json(const Json& json, const std::string& source);

}  // namespace pleat
