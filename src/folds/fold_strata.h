// From names to counts: what must be spread evenly over the folds, and which groups are alike in it.
#pragma once

#include <string>
#include <vector>

#include "folds/fold_balance.h"
#include "folds/fold_plan.h"

namespace pleat {

/// Names of rows as numbers that stand in the order of the names, so that nothing depends on the order of the rows.
struct Codes {
  std::vector<int> of_row;
  std::vector<std::string> names;

  int count() const { return static_cast<int>(names.size()); }
};

Codes encode(const std::vector<std::string>& values);

/// One way to tell rows apart that every fold shall hold in the same shares: all rows as one class (which gives folds
/// of one size), a strata column, or the product of all those columns.
struct Partition {
  enum class Kind { kRows, kColumn, kProduct };
  Kind kind{};
  std::size_t column = 0;  // of kColumn: which
  std::vector<int> class_of_row;
  std::vector<std::int64_t> rows;  // per class
  std::vector<int> groups;         // per class: how many groups it occurs in

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
