// Suspect labels of one target: single rows, and whole groups that share a label.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ensemble/label_issues.h"
#include "ensemble/oof_table.h"

namespace pleat {

/// A group whose label its rows contradict together.
struct GroupIssue {
  std::string group;
  std::int64_t given = 0, suggested = 0;
  double confidence = 0;               // pooled probability of the given label
  std::vector<std::int64_t> rows;      // of the group
  std::int64_t rows_of_suggested = 0;  // rows whose own most probable class is the suggested one
};

struct TargetAudit {
  LabelNoise noise;
  std::vector<LabelIssue> rows;
  bool by_group = false;  // each group has one label, and some group has several rows
  std::int64_t groups = 0;
  std::vector<GroupIssue> group_issues;  // if by_group
};

/// Judges rows by the ensemble's out-of-fold probabilities, and groups by the geometric mean over their rows.
TargetAudit audit_target(const OofTable& table, const FoldPlan& plan);

}  // namespace pleat
