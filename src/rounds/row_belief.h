// Beliefs about the rows to label: from predictions, the evidence of their groups, and the labels that a fold's
// students may know.
#pragma once

#include <torch/types.h>

#include <vector>

#include "ensemble/group_evidence.h"
#include "rounds/label_rows.h"
#include "run/run_setup.h"

namespace pleat {

/// Per crop row: it belongs to the fold's training side, rows set aside and rows of dropped labels included.
std::vector<bool> training_side(const Run& run, FoldId fold);

/// The labels that a fold's students may know: those of the training side that are not dropped.
struct KnownLabels {
  const std::vector<Labels>& labels;  // of each target, as the fold's networks learn them
  const std::vector<bool>& inside;    // training_side

  /// -1: unknown.
  std::int64_t operator()(std::size_t target, std::int64_t row) const {
    return inside[std::size_t(row)] && !labels[target].drops(row) ? labels[target].classes[std::size_t(row)] : -1;
  }
};

/// The belief of one target's labels, by rounds.constant_in_group and rounds.composition, or by the predictions alone.
/// A joint target's is made of those of its components.
///   probs [rows to label, C]: the teacher's predictions; known: labels that the fold's students may know
Belief believe(const Run& run, int target, const torch::Tensor& probs, const LabelRows& label_rows,
               const KnownLabels& known);

}  // namespace pleat
