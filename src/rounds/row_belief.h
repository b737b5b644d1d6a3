// Beliefs about the rows to label: from predictions, the evidence of their groups, and the labels that a fold's
// students may know.
#pragma once

#include <torch/types.h>

#include <vector>

#include "ensemble/group_evidence.h"
#include "rounds/label_rows.h"
#include "run/run_setup.h"

namespace pleat {

/// Per crop row: it belongs to the job's training side, rows set aside included. Its labels may be known to the fold's
/// students.
std::vector<bool> training_side(const Dataset& dataset, const PlannedJob& base);

/// The belief of one target's labels, by rounds.constant_in_group and rounds.composition, or by the predictions alone.
/// A joint target's is made of those of its components.
///   probs [rows to label, C]: the teacher's predictions; inside: training_side
Belief believe(const Run& run, int target, const torch::Tensor& probs, const LabelRows& label_rows,
               const std::vector<bool>& inside);

}  // namespace pleat
