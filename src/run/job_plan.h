// The jobs of a round: unit x model x fold, each with its key.
#pragma once

#include <string>
#include <vector>

#include "run/dataset.h"
#include "run/run_config.h"
#include "train/fold_job.h"

namespace pleat {

/// Indices in the target plan's units and in config.models, and the fold.
struct JobPlace {
  int unit = 0, model = 0;
  FoldId fold;
  int judged_fold = -1;  // of a judge (train.labels: auto): its second fold, of the same repeat; -1: not a judge
  int last_fold = -1;    // of a trunk (folds.trunks): the last of its folds, of which `fold` is the first; -1: no trunk
  SharedEpochs shared;   // of a trunk, and of a job that continues one; the plan sets `rows`
};

struct PlannedJob {
  int unit = 0, model = 0;  // as JobPlace
  FoldId fold;
  int judged_fold = -1;      // as JobPlace
  int last_fold = -1;        // as JobPlace
  int round = 0, part = -1;  // of a student; -1: rounds.parts is 1
  std::string name;          // job_name, for people
  FoldJob work;              // everything that determines the result, key included
  bool is_judge() const { return judged_fold >= 0; }
  bool is_trunk() const { return last_fold >= 0; }
  std::size_t held_out_rows = 0, test_rows = 0, unlabelled_rows = 0;  // the parts of work.predict_rows, in this order
};

/// "label/resnet20/fold 3"; in later rounds "round 1/label/resnet20/fold 3", or with rounds.parts "…/fold 3, part 0".
std::string job_name(const std::string& unit, const std::string& model, FoldId fold, int round = 0, int part = -1);

/// The jobs of the first round.
///   labels: of each target, as the networks learn them (apply_edits); plan: in the order of dataset.train; files: of
///   config.models
/// Throws: UsageError if a micro-batch has fewer than the two rows that BatchNorm needs, if no rows can be set aside
/// for train.keep: best or predict.temperature, if train.progressive.from is not below the crops' size, if
/// predict.shift moves images out of view, or if two models have the same network and file contents; DataError if a
/// target cannot be fitted to a fold's rows (fit_code).
std::vector<PlannedJob> plan_jobs(const std::vector<Labels>& labels, const RunConfig& config, const Dataset& dataset,
                                  const FoldPlan& plan, const std::vector<ModelFiles>& files);

/// One of these jobs. Requires: check_plan passed.
PlannedJob plan_job(const std::vector<Labels>& labels, const RunConfig& config, const Dataset& dataset,
                    const FoldPlan& plan, const std::vector<ModelFiles>& files, const JobPlace& place);

/// The checks of plan_jobs that concern no single job. Throws: UsageError, as plan_jobs.
void check_plan(const RunConfig& config, const Dataset& dataset, const std::vector<ModelFiles>& files);

/// One for each of config.models. Throws DataError for a file that cannot be read.
std::vector<ModelFiles> hash_model_files(const RunConfig& config);

}  // namespace pleat
