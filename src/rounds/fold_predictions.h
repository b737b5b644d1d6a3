// The predictions of one model on one fold, as class probabilities: of one network, or the mean over rounds.parts.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "run/dataset.h"
#include "run/run_config.h"
#include "run/run_paths.h"

namespace pleat {

struct FoldPredictions {
  torch::Tensor held_out_rows;     // [n] int64 crop rows
  torch::Tensor held_out_logits;   // [n, C]; their softmax gives the probabilities
  torch::Tensor test, unlabelled;  // [rows, C] float64, in the dataset's order, or undefined
  torch::Tensor held_out_normal, test_normal, unlabelled_normal;  // [n, 2]; undefined unless trained as a number
};

/// The models of a round that a run's folder holds.
struct RoundSource {
  const RunConfig& config;
  const Dataset& dataset;
  const RunPaths& paths;
  int round = 0;
};

/// The parts of a fold's models in a round; {-1} without parts.
std::vector<int> parts_of(const RunConfig& config, int round);

/// Reads the predictions of one target. A row that only some parts predict gets the mean over those.
/// Throws: DataError for a damaged file, or for a test or unlabelled row without a prediction.
FoldPredictions read_fold(const RoundSource& source, const Unit& unit, int target, const std::string& model,
                          FoldId fold);

}  // namespace pleat
