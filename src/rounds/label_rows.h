// The rows that rounds give pseudo-labels to, with their groups and parts.
#pragma once

#include <cstdint>
#include <vector>

#include "ensemble/row_groups.h"
#include "run/dataset.h"

namespace pleat {

struct LabelRows {
  std::vector<std::int64_t> rows;  // of the crops file, ascending
  RowGroups groups;                // of indices in `rows`; without data.group each row is a group
  std::vector<int> part_of;        // per index, in [0, rounds.parts)
  // Labelled train rows of the groups: crop row and group.
  struct Labelled {
    std::int64_t row, group;
  };
  std::vector<Labelled> labelled;

  std::int64_t count() const { return static_cast<std::int64_t>(rows.size()); }
};

/// The unlabelled rows, and with rounds.use_test the test rows. Empty for a run of one round.
/// Throws: DataError if there are none, if one has no group although group evidence is asked for, if a target of
/// constant_in_group differs within a group's train rows, or if a group cannot meet a composition; UsageError for a
/// composition of unknown classes or of too many combinations.
LabelRows choose_label_rows(const RunConfig& config, const Dataset& dataset);

}  // namespace pleat
