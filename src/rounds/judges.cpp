#include "rounds/judges.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/files.h"
#include "data/sample_table.h"
#include "ensemble/audit.h"
#include "run/finished_job.h"

namespace pleat {
namespace {

// Probabilities of one target's classes, by crop row.
using RowProbs = std::map<std::int64_t, torch::Tensor>;

// Adds a judge's predictions for the rows of its other fold.
void read_judge(const Run& run, const PlannedJob& judge, FoldId fold, const Target& target, RowProbs& probs) {
  const Unit& unit = run.dataset->targets.units[std::size_t(judge.unit)];
  const std::filesystem::path file = run.folder_of(judge) / kPredictionsFile;
  const JobPredictions made = parse_predictions(read_file(file), head_name(unit, target), file.string());
  const FoldId other = judge.fold == fold ? FoldId{judge.judged_fold} : judge.fold;
  std::vector<bool> judged(run.dataset->crops.rows());
  for (const std::size_t place : held_out(*run.plan, other)) judged[std::size_t(run.dataset->train[place])] = true;
  const torch::Tensor all = at::softmax(made.held_out_logits.to(at::kDouble), 1);
  const torch::Tensor rows = made.held_out_rows.contiguous();
  for (std::int64_t i = 0; i < rows.numel(); ++i) {
    const std::int64_t row = rows.const_data_ptr<std::int64_t>()[i];
    if (judged[std::size_t(row)]) probs[row] = all[i];
  }
}

// The rows whose labels may be edited, with their predictions, as audit_target takes them.
struct Judged {
  std::vector<std::int64_t> rows;
  OofTable table;
  FoldPlan plan;
};

Judged judged_rows(const Run& run, const Target& target, const Labels& labels, const RowProbs& probs) {
  Judged judged{.table = {.target = target.name, .classes = target.classes}};
  std::vector<std::int64_t> codes;
  for (const auto& [row, of_row] : probs) {
    if (labels.drops(row)) continue;
    judged.rows.push_back(row);
    codes.push_back(labels.classes[std::size_t(row)]);
    judged.plan.ids.push_back(run.dataset->id(row));
    judged.plan.groups.push_back(run.dataset->group(row));
  }
  const auto count = static_cast<std::int64_t>(codes.size());
  judged.table.labels = at::tensor(codes, at::kLong);
  judged.table.ensemble = at::empty({count, target.size()}, at::kDouble);
  for (std::int64_t i = 0; i < count; ++i) judged.table.ensemble[i].copy_(probs.at(judged.rows[std::size_t(i)]));
  return judged;
}

void add_edits(const Run& run, int target, const Judged& judged, std::vector<LabelEdit>& edits) {
  const bool relabel = run.config.train.labels.relabel == kAutoLabels;
  const auto add = [&](std::int64_t place, std::int64_t suggested, double confidence) {
    edits.push_back({.target = target,
                     .row = judged.rows[std::size_t(place)],
                     .label = relabel ? suggested : -1,
                     .confidence = confidence});
  };
  const TargetAudit audit = audit_target(judged.table, judged.plan);
  if (!audit.by_group) {
    for (const LabelIssue& issue : audit.rows) add(issue.row, issue.suggested, issue.confidence);
    return;
  }
  for (const GroupIssue& issue : audit.group_issues)
    for (const std::int64_t row : issue.rows) add(row, issue.suggested, issue.confidence);
}

}  // namespace

std::vector<PlannedJob> plan_judges(const Run& run, const std::vector<Labels>& labels) {
  std::vector<PlannedJob> judges;
  if (!run.config.train.labels.automatic()) return judges;
  const FoldPlan& plan = *run.plan;
  for (int unit = 0; unit < static_cast<int>(run.dataset->targets.units.size()); ++unit) {
    for (int one = 0; one < plan.folds(); ++one) {
      for (int other = one + 1; other < plan.folds() && other / plan.k == one / plan.k; ++other)
        judges.push_back(plan_job(labels, run.config, *run.dataset, plan, run.files, {unit, 0, {one}, other}));
    }
  }
  return judges;
}

std::vector<LabelEdit> judge_labels(const Run& run, const std::vector<PlannedJob>& judges,
                                    const std::vector<Labels>& labels, int unit, FoldId fold) {
  std::vector<LabelEdit> edits;
  for (const int t : run.dataset->targets.units[std::size_t(unit)].targets) {
    const Target& target = run.dataset->targets.targets[std::size_t(t)];
    RowProbs probs;
    for (const PlannedJob& judge : judges)
      if (judges_for(judge, unit, fold)) read_judge(run, judge, fold, target, probs);
    add_edits(run, t, judged_rows(run, target, labels[std::size_t(t)], probs), edits);
  }
  std::sort(edits.begin(), edits.end(), [](const LabelEdit& a, const LabelEdit& b) {
    return std::pair(a.target, a.row) < std::pair(b.target, b.row);
  });
  return edits;
}

std::vector<Labels> edited_labels(const Run& run, std::vector<Labels> labels, const std::vector<LabelEdit>& edits) {
  apply_edits(edits, *run.dataset, labels);
  return labels;
}

PlannedJob relabelled_job(const Run& run, const std::vector<Labels>& labels, const PlannedJob& base) {
  return plan_job(labels, run.config, *run.dataset, *run.plan, run.files, {base.unit, base.model, base.fold});
}

const std::vector<LabelEdit>& JudgedLabels::edits(int unit, FoldId fold) {
  const auto [place, is_new] = edits_.try_emplace({unit, fold.value});
  if (is_new && !judges_.empty()) place->second = judge_labels(run_, judges_, labels_, unit, fold);
  return place->second;
}

std::vector<Labels> JudgedLabels::labels(int unit, FoldId fold) {
  return edited_labels(run_, labels_, edits(unit, fold));
}

PlannedJob JudgedLabels::job(const PlannedJob& base) {
  return judges_.empty() ? base : relabelled_job(run_, labels(base.unit, base.fold), base);
}

std::string label_edits_csv(const Run& run, JudgedLabels& judged, const std::vector<Labels>& labels) {
  std::string text = kLabelEditsHeader;
  for (int unit = 0; unit < static_cast<int>(run.dataset->targets.units.size()); ++unit) {
    for (int fold = 0; fold < run.plan->folds(); ++fold) {
      for (const LabelEdit& edit : judged.edits(unit, {fold})) {
        const Target& target = run.dataset->targets.targets[std::size_t(edit.target)];
        const std::int64_t given = labels[std::size_t(edit.target)].classes[std::size_t(edit.row)];
        text += fmt::format("{},{},{},{},{},{:.6f}\n", csv_field(target.name), csv_field(run.dataset->id(edit.row)),
                            fold, csv_field(target.classes[std::size_t(given)]),
                            edit.label < 0 ? "" : csv_field(target.classes[std::size_t(edit.label)]), edit.confidence);
      }
    }
  }
  return text;
}

}  // namespace pleat
