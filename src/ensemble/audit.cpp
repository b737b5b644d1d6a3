#include "ensemble/audit.h"

#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

#include "ensemble/row_groups.h"

namespace pleat {
namespace {

std::int64_t label_of(const OofTable& table, std::int64_t row) {
  return table.labels.const_data_ptr<std::int64_t>()[row];
}

bool labels_are_the_groups(const OofTable& table, const RowGroups& groups) {
  bool several_rows = false;
  for (std::int64_t g = 0; g < groups.count(); ++g) {
    const std::int64_t* rows = groups.first(g);
    several_rows = several_rows || groups.size(g) > 1;
    for (std::int64_t i = 1; i < groups.size(g); ++i) {
      if (label_of(table, rows[i]) != label_of(table, rows[0])) return false;
    }
  }
  return several_rows;
}

torch::Tensor rows_of(const RowGroups& groups, std::int64_t group) {
  return at::tensor(std::vector<std::int64_t>(groups.first(group), groups.first(group) + groups.size(group)),
                    at::kLong);
}

// The geometric mean of the rows' probabilities, scaled to sum to 1.
torch::Tensor pooled(const torch::Tensor& probs, const RowGroups& groups) {
  constexpr double kLeast = 1e-12;  // one row that is sure does not decide alone
  const torch::Tensor logs = probs.to(at::kDouble).clamp_min(kLeast).log();
  std::vector<torch::Tensor> all;
  for (std::int64_t g = 0; g < groups.count(); ++g)
    all.push_back(at::softmax(logs.index_select(0, rows_of(groups, g)).mean(0), 0));
  return at::stack(all);
}

std::vector<GroupIssue> audit_groups(const OofTable& table, const FoldPlan& plan, const RowGroups& groups) {
  std::vector<std::int64_t> labels;
  for (std::int64_t g = 0; g < groups.count(); ++g) labels.push_back(label_of(table, groups.first(g)[0]));
  const torch::Tensor of_groups = at::tensor(labels, at::kLong), probs = pooled(table.ensemble, groups);
  const torch::Tensor guesses = table.ensemble.argmax(1).contiguous();
  std::vector<GroupIssue> issues;
  for (const LabelIssue& issue : find_label_issues(probs, of_groups, estimate_noise(probs, of_groups))) {
    const std::int64_t* first = groups.first(issue.row);
    GroupIssue& group = issues.emplace_back();
    group.rows.assign(first, first + groups.size(issue.row));
    group.group = plan.groups[static_cast<std::size_t>(first[0])];
    group.given = labels[static_cast<std::size_t>(issue.row)];
    group.suggested = issue.suggested;
    group.confidence = issue.confidence;
    group.rows_of_suggested = std::count_if(group.rows.begin(), group.rows.end(), [&](std::int64_t row) {
      return guesses.const_data_ptr<std::int64_t>()[row] == issue.suggested;
    });
  }
  return issues;
}

}  // namespace

TargetAudit audit_target(const OofTable& table, const FoldPlan& plan) {
  TargetAudit audit{.noise = estimate_noise(table.ensemble, table.labels)};
  audit.rows = find_label_issues(table.ensemble, table.labels, audit.noise);
  const RowGroups groups = group_rows(plan.groups);
  audit.groups = groups.count();
  audit.by_group = labels_are_the_groups(table, groups);
  if (audit.by_group) audit.group_issues = audit_groups(table, plan, groups);
  return audit;
}

}  // namespace pleat
