// Sorts the columns of a crops file into targets, a group and others. For the first config (pleat init).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/crop_file.h"

namespace pleat {

/// The rows of each split that have a picture.
struct SplitRows {
  std::vector<std::size_t> train, test;
  std::size_t unlabelled = 0;

  explicit SplitRows(const CropFile& crops);
};

/// A column that can be a target, or the reason why not.
struct TargetColumn {
  std::string column, fault;
  std::map<std::string, std::size_t> classes;  // of train rows; empty for numbers
  std::vector<std::string> only_in_test;       // classes without a train row
  std::vector<double> edges;                   // cut numbers into classes; empty for names
  double least = 0, most = 0;                  // of numbers
  std::size_t smallest = 0;                    // rows of the smallest class
};

struct GroupColumn {
  std::string column;
  std::size_t groups = 0;
};

struct ColumnUses {
  std::vector<TargetColumn> targets;  // the first is the one to train
  std::optional<GroupColumn> group;
  std::vector<std::string> notes;  // one for each column that is neither
};

ColumnUses sort_columns(const SampleTable& table, const SplitRows& rows);

}  // namespace pleat
