// A crops file for one run: its train, unlabelled and test rows, and their labels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/augment.h"
#include "data/crop_file.h"
#include "folds/fold_plan.h"
#include "run/run_config.h"
#include "run/target_plan.h"

namespace pleat {

/// One target's labels, by crop row.
struct Labels {
  std::vector<std::int64_t> classes;  // -1: none
  std::vector<std::int64_t> taught;   // of train rows: the classes used in training (Target::train_edges)
  std::vector<double> numbers;        // for a target with edges, NaN without a label; otherwise empty
  std::vector<bool> dropped;          // not to learn (train.labels); empty: none

  bool drops(std::int64_t row) const { return !dropped.empty() && dropped[std::size_t(row)]; }
};

/// Sets of copies of one photo, as crop rows.
using CopySets = std::vector<std::vector<std::int64_t>>;

/// The effect of data.duplicates on a data set.
struct CopyUse {
  std::size_t joined_groups = 0;              // together
  std::size_t dropped = 0;                    // drop: train rows
  std::size_t contradicting = 0, tested = 0;  // drop: sets of which no row stays
  std::size_t dropped_unlabelled = 0;         // both
};

struct Dataset {
  CropFile crops;
  TargetPlan targets;
  std::vector<Labels> labels;  // of each of targets.targets
  std::vector<Labels> taught;  // the same, as networks learn them: set_up_run applies the files of train.labels
  std::vector<std::int64_t> train, unlabelled,
      test;                             // crop rows per split, valid ones, ascending; train after data.limit
  std::vector<std::int64_t> all_train;  // before data.limit
  std::vector<std::string> groups;      // by crop row; empty: no groups (data.group, data.duplicates: together)
  CopyUse copies;
  PixelNorm norm;
  std::string hash;  // hash of everything in the file that affects results

  const std::string& id(std::int64_t row) const { return crops.table().column("id")[std::size_t(row)]; }
  /// The row's group; without groups its id.
  const std::string& group(std::int64_t row) const { return groups.empty() ? id(row) : groups[std::size_t(row)]; }
};

/// Reads the rows and labels. A test row without a label is predicted but not scored.
///   copies: of find_copies, if data.duplicates is not warn; without this argument they are searched for
/// Throws: DataError naming row (id), column and value for an unknown split, an empty or unknown label in a train row,
/// an unknown label in a test row, an empty group in a train row, a missing column, or no train rows.
Dataset open_dataset(const RunConfig& config, const CopySets& copies);
Dataset open_dataset(const RunConfig& config);

/// Returns the crop row of each row of the plan. Throws DataError for an id that is not a train row.
std::vector<std::int64_t> rows_of_plan(const Dataset& dataset, const FoldPlan& plan);

/// The normalisation: from the config, or measured on the train rows.
PixelNorm choose_norm(const RunConfig& config, const Dataset& dataset);

/// Returns the numbers of a target with edges for these crop rows; NaN without a label.
std::vector<double> numbers_of(const Dataset& dataset, int target, const std::vector<std::int64_t>& rows);

/// Returns the row's classes of all configured targets, as one string.
std::string stratum_of(const Dataset& dataset, std::int64_t row);

/// Returns the request from which the fold plan is made.
FoldRequest fold_request(const RunConfig& config, const Dataset& dataset);

}  // namespace pleat
