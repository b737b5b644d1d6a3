#include "run/frozen_folds.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/utf8.h"

namespace pleat {
namespace {

// Sorts the plan's rows into the order of the crops file.
FoldPlan in_crop_order(const FoldPlan& plan, const std::vector<std::int64_t>& rows) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rows[a] < rows[b]; });
  FoldPlan sorted{.k = plan.k, .repeats = plan.repeats, .fold_of = std::vector<std::vector<int>>(plan.fold_of.size())};
  for (const std::size_t i : order) {
    sorted.ids.push_back(plan.ids[i]);
    sorted.groups.push_back(plan.groups[i]);
    for (std::size_t r = 0; r < plan.fold_of.size(); ++r) sorted.fold_of[r].push_back(plan.fold_of[r][i]);
  }
  return sorted;
}

// A plan made without groups, or with other groups, may split one of the table's groups.
void check_groups(const Run& run, const FoldPlan& plan, const std::string& file) {
  if (run.dataset->groups.empty()) return;
  const bool joined = run.config.data.duplicates == "together";
  const std::string name = run.config.data.group.empty() ? "id" : run.config.data.group;
  const std::string rule = joined ? "data.duplicates: together" : "data.group: " + name;
  const std::vector<std::int64_t> rows = rows_of_plan(*run.dataset, plan);
  for (std::size_t repeat = 0; repeat < plan.fold_of.size(); ++repeat) {
    std::unordered_map<std::string_view, std::size_t> first_of;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::string& group = run.dataset->group(rows[i]);
      const std::size_t first = first_of.emplace(group, i).first->second;
      const int fold = plan.fold_of[repeat][i], other = plan.fold_of[repeat][first];
      if (fold == other) continue;
      throw DataError(
          "{} puts the rows '{}' and '{}' of {} '{}' into folds {} and {} (repeat {}), but {} keeps them "
          "together; leave folds.file out to make a plan by group, or leave {} out",
          file, plan.ids[first], plan.ids[i], name, group, other, fold, repeat, rule,
          joined ? "data.duplicates" : "data.group");
    }
  }
}

void check_size(const Run& run, const FoldPlan& plan, const std::string& file) {
  const FoldConfig& folds = run.config.folds;
  if (plan.k == folds.k && plan.repeats == folds.repeats) return;
  throw UsageError("{} has {} folds x {} repeats, but the config says folds.k: {} and folds.repeats: {}", file, plan.k,
                   plan.repeats, folds.k, folds.repeats);
}

FoldPlan read_plan(const Run& run, const std::string& file) {
  const FoldPlan read = read_folds(file);
  const FoldPlan plan = in_crop_order(read, rows_of_plan(*run.dataset, read));
  check_size(run, plan, file);
  check_groups(run, plan, file);
  return plan;
}

// Warns of train rows that a plan made from other data does not have.
void warn_of_unknown_rows(const Run& run, const FoldPlan& plan, const std::string& file) {
  const std::unordered_set<std::string_view> known(plan.ids.begin(), plan.ids.end());
  const Dataset& dataset = *run.dataset;
  std::size_t count = 0;
  std::string first;
  for (const std::int64_t row : dataset.train) {
    if (known.contains(dataset.id(row))) continue;
    if (count++ == 0) first = dataset.id(row);
  }
  if (count == 0) return;
  spdlog::warn(
      "folds.file {} does not have {} of the {} train rows, such as '{}', so they take no part; leave folds.file out "
      "to make a plan of all rows",
      file, count, dataset.train.size(), shown(first));
}

// An edited plan would train every job again, over the results of the earlier plan.
void check_frozen(const Run& run, const RunRecord& earlier, const FoldPlan& frozen) {
  if (earlier.folds.empty() || earlier.folds == sha256(folds_csv(frozen))) return;
  throw DataError(
      "{} is not the plan that this run was made with; restore that plan (or delete the file: the same plan is then "
      "made "
      "again), or give another folder with --run",
      run.paths.folds().string());
}

}  // namespace

FoldPlan choose_plan(const Run& run, const RunRecord* earlier) {
  const std::string& given = run.config.folds.file;
  if (earlier == nullptr || !file_exists(run.paths.folds())) {
    if (given.empty()) return make_folds(fold_request(run.config, *run.dataset));
    FoldPlan plan = read_plan(run, given);
    warn_of_unknown_rows(run, plan, given);
    return plan;
  }
  const FoldPlan frozen = read_plan(run, run.paths.folds().string());
  check_frozen(run, *earlier, frozen);
  if (!given.empty() && folds_csv(read_plan(run, given)) != folds_csv(frozen)) {
    throw UsageError("folds.file {} is not the plan that {} was made with; give another folder with --run", given,
                     run.paths.root.string());
  }
  return frozen;
}

}  // namespace pleat
