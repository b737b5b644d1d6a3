// A table of another program as a candidate: its rows in the order of the runs' data.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "data/prediction_table.h"
#include "merge/source_run.h"

namespace pleat {

/// By target; undefined for a target that the table neither has nor gives by derivation.
struct TableCandidate {
  std::vector<torch::Tensor> oof;               // [train rows, C] float64
  std::vector<torch::Tensor> test, unlabelled;  // undefined if the table has none of these rows
};

/// Throws: DataError naming the table `name` and the row: a train row is missing; some but not all test (or unlabelled)
/// rows are there; a row is not in the data; a row's fold is not the run's.
TableCandidate read_candidate(const PredictionTable& table, const std::string& name, const SourceRun& run);

}  // namespace pleat
