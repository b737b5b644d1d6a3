// Turns names into counts: the cells to spread evenly over the folds, and the groups with equal counts.
#pragma once

#include <string>
#include <vector>

#include "folds/fold_balance.h"
#include "folds/fold_plan.h"

namespace pleat {

/// The rows' names as numbers, in the order of the names, so that the order of the rows does not matter.
struct Codes {
  std::vector<int> of_row;
  std::vector<std::string> names;

  int count() const { return static_cast<int>(names.size()); }
};

Codes encode(const std::vector<std::string>& values);

/// A division of the rows into classes that every fold should hold in the same shares: all rows as one class (for folds
/// of equal size), a strata column, or the product of all strata columns.
struct Partition {
  enum class Kind { kRows, kColumn, kProduct };
  Kind kind{};
  std::size_t column = 0;  // of kColumn: its index
  std::vector<int> class_of_row;
  std::vector<std::int64_t> rows;  // per class
  std::vector<int> groups;         // per class: number of groups that it occurs in

  std::size_t classes() const { return rows.size(); }
};

struct FoldStrata {
  Codes groups;
  std::vector<Codes> columns;
  std::vector<Partition> partitions;
  BalanceProblem problem;
  std::vector<std::vector<int>> members;  // per type of the problem: its groups, ascending
};

FoldStrata make_strata(const FoldRequest& request);

}  // namespace pleat
