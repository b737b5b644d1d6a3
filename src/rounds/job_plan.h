// The jobs of a round: unit x model x fold, each with its identity.
#pragma once

#include <string>
#include <vector>

#include "rounds/dataset.h"
#include "rounds/run_config.h"
#include "train/fold_job.h"

namespace pleat {

struct PlannedJob {
  int unit = 0, model = 0;  // places in the target plan's units and the config's models
  FoldId fold;
  std::string name;                                                   // "label/resnet20/fold 3", for people
  FoldJob work;                                                       // what determines the result, key included
  std::size_t held_out_rows = 0, test_rows = 0, unlabelled_rows = 0;  // work.predict_rows is these, in this order
};

/// "label/resnet20/fold 3".
std::string job_name(const std::string& target, const std::string& model, FoldId fold);

/// `plan` is in the order of dataset.train, `files` in that of config.models. Throws UsageError if batches are too
/// small for BatchNorm (a part of fewer than two), if rows cannot be set aside for train.keep: best, if
/// train.progressive would not begin below the crops' size, if predict.shift would move images out of sight, or if two
/// models are one network by files of the same content; DataError if a target cannot be fitted to a fold's rows
/// (fit_code).
std::vector<PlannedJob> plan_jobs(const RunConfig& config, const Dataset& dataset, const FoldPlan& plan,
                                  const std::vector<ModelFiles>& files);

/// One for each of config.models. Throws DataError for a file that cannot be read.
std::vector<ModelFiles> hash_model_files(const RunConfig& config);

}  // namespace pleat
