// Labels that out-of-fold predictions contradict: confident learning.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace pleat {

/// The estimated joint distribution of given and true labels, and the confidence at which a row counts for a class.
struct LabelNoise {
  std::vector<double> thresholds;               // [C] mean probability of the class over the rows that have its label
  std::vector<std::vector<std::int64_t>> rows;  // [C][C] given label, true label; sums over true labels: rows per label
};

/// A row whose given label is probably wrong.
struct LabelIssue {
  std::int64_t row = 0;
  std::int64_t suggested = 0;  // the most probable class
  double confidence = 0;       // probability of the given label
};

/// Counts a row for the most probable of the classes whose threshold it reaches, then scales each label's counts to the
/// rows that have the label. A class without rows is nobody's true label.
///   probs [N, C] float64, out of fold: a network must not have seen the row; labels [N] int64 in [0, C)
/// Source: Northcutt, Jiang, Chuang 2021, "Confident learning", JAIR 70, arXiv:1911.00068, equations 1 to 3.
LabelNoise estimate_noise(const torch::Tensor& probs, const torch::Tensor& labels);

/// For each pair of a given and another label, the rows that contradict most, as many as the noise says ("prune by
/// noise rate", section 3.2), but none whose most probable class is the given label. Each class keeps a row. By
/// confidence, the least first.
std::vector<LabelIssue> find_label_issues(const torch::Tensor& probs, const torch::Tensor& labels,
                                          const LabelNoise& noise);

}  // namespace pleat
