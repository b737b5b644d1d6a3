// Out-of-fold table of one target. Each labelled train row has exactly one prediction per model and repeat, from the
// fold that did not train on it. A missing or second prediction is an error. Format of oof.h5: docs/formats.md.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "folds/fold_plan.h"

namespace pleat {

/// Predictions of one finished job for the rows that its fold held out.
struct HeldOutPredictions {
  FoldId fold;
  torch::Tensor rows;    // [n] int64, indices into the plan
  torch::Tensor logits;  // [n, C] float32
  torch::Tensor normal;  // [n, 2] mean and standard deviation of the number; undefined unless trained as a number
};

struct OofModel {
  std::string id;
  torch::Tensor probs;   // [N, C] float64, in the plan's order; mean over repeats
  torch::Tensor normal;  // [N, 2] float64, mixture over repeats (mix_normals); undefined unless trained as a number
};

struct OofTable {
  std::string target;
  std::vector<std::string> classes;
  torch::Tensor labels;          // [N] int64
  std::vector<OofModel> models;  // in the config's order
  torch::Tensor ensemble;        // [N, C] float64
  // Only for a target trained as a number, float64: the ensemble's mean and deviation [N, 2], and the true numbers [N].
  torch::Tensor normal, numbers;
};

/// Gathers a model's predictions of all folds and checks them: softmax per repeat in float64, then mean over repeats.
/// Throws: DataError naming model, fold and row, if
///   - a row has no prediction, or two in one repeat
///   - a row is predicted by a fold that trained on it
///   - a fold is missing, appears twice or is not in the plan
///   - a shape does not fit, or a logit is not finite
OofModel gather_model(const std::string& model_id, const FoldPlan& plan, int classes,
                      const std::vector<HeldOutPredictions>& folds);

/// Writes all targets into one HDF5 file, atomically. Equal tables give equal bytes.
/// Throws: DataError.
void write_oof(const std::filesystem::path& path, const FoldPlan& plan, const std::vector<OofTable>& tables);

/// The content of oof.h5.
struct OofFile {
  FoldPlan plan;
  std::vector<OofTable> tables;  // all targets
};

/// Reads and checks a file from write_oof.
/// Throws: DataError.
OofFile read_oof(const std::filesystem::path& path);

}  // namespace pleat
