// The out-of-fold table of one target: for every labelled train row exactly one prediction per model, made by the one
// model that never saw the row. A missing row and a second writer are both errors. Format of oof.h5: docs/formats.md.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "folds/fold_plan.h"

namespace pleat {

/// What one finished job says of the rows that its fold held out.
struct HeldOutPredictions {
  FoldId fold;
  torch::Tensor rows;    // [n] int64, indices into the plan
  torch::Tensor logits;  // [n, C] float32
  torch::Tensor normal;  // [n, 2] mean and standard deviation of the number; undefined unless it was taught as one
};

struct OofModel {
  std::string id;
  torch::Tensor probs;   // [N, C] float64, in the plan's order; the mean over repeats
  torch::Tensor normal;  // [N, 2] float64, mixed over repeats; undefined unless it was taught as a number
};

struct OofTable {
  std::string target;
  std::vector<std::string> classes;
  torch::Tensor labels;          // [N] int64
  std::vector<OofModel> models;  // in the config's order
  torch::Tensor ensemble;        // [N, C] float64
  // Of a target taught as a number: the ensemble's [N, 2], and the true ones [N]; float64.
  torch::Tensor normal, numbers;
};

/// Holds the law. Softmax per repeat in float64, mean over repeats. Throws DataError naming model, row id and folds: a
/// row without a prediction, a row with two writers in one repeat, a row predicted by a fold that trained on it, a fold
/// that is missing or there twice, a shape that does not fit, a value that is not finite.
OofModel gather_model(const std::string& model_id, const FoldPlan& plan, int classes,
                      const std::vector<HeldOutPredictions>& folds);

/// Writes all targets into one HDF5 file, whole or not at all, the same bytes for the same tables.
void write_oof(const std::filesystem::path& path, const FoldPlan& plan, const std::vector<OofTable>& tables);

/// Reads it back, checking structure. Throws DataError.
std::vector<OofTable> read_oof(const std::filesystem::path& path);

}  // namespace pleat
