// The crops file as a run sees it: which rows are trained on, held out and predicted, and their labels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/augment.h"
#include "data/crop_file.h"
#include "folds/fold_plan.h"
#include "rounds/run_config.h"
#include "rounds/target_plan.h"

namespace pleat {

/// What the table says of one target, by crop row.
struct Labels {
  std::vector<std::int64_t> classes;  // -1: none
  std::vector<std::int64_t> taught;   // of train rows: what training calls them (Target::train_edges)
  std::vector<double> numbers;        // for a target with edges; not a number where there is no label. Else empty
};

struct Dataset {
  CropFile crops;
  TargetPlan targets;
  std::vector<Labels> labels;  // of each of targets.targets
  std::vector<std::int64_t> train, unlabelled,
      test;  // crop rows per split, valid ones, ascending; train after data.limit
  std::vector<std::int64_t> all_train;  // before data.limit
  PixelNorm norm;
  std::string hash;  // of everything in the file that results can depend on

  const std::string& id(std::int64_t row) const { return crops.table().column("id")[std::size_t(row)]; }
};

/// Throws DataError naming row (id), column and value for what cannot be: an unknown split, an empty or unknown label
/// in a train row, a label column or group column that is not there, an empty group in a train row, no train rows; a
/// test label that is unknown. A test row may have no label: it is then predicted and not scored.
Dataset open_dataset(const RunConfig& config);

/// Says what is odd about the rows, in the log: what data.limit left, classes without train rows, groups with train and
/// test rows. For one rank; open_dataset is called on all.
void report_rows(const RunConfig& config, const Dataset& dataset);

/// The crop row of each row of the plan. Throws DataError for an id that is no train row.
std::vector<std::int64_t> rows_of_plan(const Dataset& dataset, const FoldPlan& plan);

/// As configured, or measured on the train rows.
PixelNorm choose_norm(const RunConfig& config, const Dataset& dataset);

/// What the table says of a target with edges, [rows] float64.
torch::Tensor numbers_of(const Dataset& dataset, int target, const std::vector<std::int64_t>& rows);

/// The row's classes of all the config's targets, as one word.
std::string stratum_of(const Dataset& dataset, std::int64_t row);

/// What the fold plan is made for.
FoldRequest fold_request(const RunConfig& config, const Dataset& dataset);

}  // namespace pleat
