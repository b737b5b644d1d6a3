// Writes and reads folds.csv.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "base/error.h"
#include "base/utf8.h"
#include "data/sample_table.h"
#include "folds/fold_plan.h"

namespace pleat {
namespace {

std::string column_name(int repeat) { return repeat == 0 ? "fold" : fmt::format("fold_{}", repeat + 1); }

int read_fold(const std::string& text, const std::string& file, int line) {
  int fold = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fold);
  if (error != std::errc{} || end != text.data() + text.size() || text.front() == '-' || fold >= kMostFolds) {
    throw DataError("{} line {}: fold '{}' is not a whole number >= 0; give each row the fold that holds it out", file,
                    line, shown(text));
  }
  return fold;
}

std::vector<int> read_column(const SampleTable& table, int repeat, const std::string& file) {
  std::vector<int> folds;
  folds.reserve(table.rows());
  const auto& values = table.column(column_name(repeat));
  for (std::size_t row = 0; row < values.size(); ++row) folds.push_back(read_fold(values[row], file, table.lines[row]));
  return folds;
}

void check_rows_in_each(const std::vector<int>& fold_of, int k, int repeat, const std::string& file) {
  std::vector<bool> seen(static_cast<std::size_t>(k), false);
  for (const int fold : fold_of) seen[static_cast<std::size_t>(fold)] = true;
  const auto missing = std::find(seen.begin(), seen.end(), false) - seen.begin();
  if (missing == k) return;
  throw DataError("{}: no row has fold {} in column '{}', although folds go up to {}; number them 0 to {} without gaps",
                  file, missing, column_name(repeat), k - 1, k - 2);
}

void check_groups(const SampleTable& table, const std::vector<int>& fold_of, int repeat, const std::string& file) {
  const auto& groups = table.column("group");
  std::unordered_map<std::string_view, std::size_t> first_row;
  for (std::size_t row = 0; row < groups.size(); ++row) {
    const auto [first, is_new] = first_row.emplace(groups[row], row);
    if (is_new || fold_of[first->second] == fold_of[row]) continue;
    throw DataError(
        "{} line {}: group '{}' is in fold {} here and in fold {} at line {} (column '{}'); give all rows of "
        "a group the same fold",
        file, table.lines[row], shown(groups[row]), fold_of[row], fold_of[first->second], table.lines[first->second],
        column_name(repeat));
  }
}

void check_names(const SampleTable& table, const std::string& file) {
  const auto& groups = table.column("group");
  for (std::size_t row = 0; row < groups.size(); ++row) {
    if (groups[row].empty()) {
      throw DataError("{} line {}: the group is empty; give a row without a group its id", file, table.lines[row]);
    }
  }
}

}  // namespace

std::string folds_csv(const FoldPlan& plan) {
  std::string text = "id,group";
  for (int repeat = 0; repeat < plan.repeats; ++repeat) text += fmt::format(",{}", column_name(repeat));
  text += "\n";
  for (std::size_t row = 0; row < plan.ids.size(); ++row) {
    text += csv_field(plan.ids[row]) + "," + csv_field(plan.groups[row]);
    for (const auto& fold_of : plan.fold_of) text += fmt::format(",{}", fold_of[row]);
    text += "\n";
  }
  return text;
}

FoldPlan read_folds(const std::filesystem::path& path) {
  SampleTable table = read_csv(path, {"id", "group", "fold"});
  const std::string file = path.string();
  check_names(table, file);
  FoldPlan plan{.repeats = 1};
  plan.fold_of.push_back(read_column(table, 0, file));
  plan.k = *std::max_element(plan.fold_of[0].begin(), plan.fold_of[0].end()) + 1;
  if (plan.k < 2) throw DataError("{}: all rows are in fold 0; a plan needs at least two folds", file);
  while (table.find(column_name(plan.repeats)) != nullptr) {
    plan.fold_of.push_back(read_column(table, plan.repeats, file));
    ++plan.repeats;
  }
  for (int repeat = 0; repeat < plan.repeats; ++repeat) {
    const auto& fold_of = plan.fold_of[static_cast<std::size_t>(repeat)];
    const int highest = *std::max_element(fold_of.begin(), fold_of.end());
    if (highest >= plan.k) {
      throw DataError("{}: column '{}' has fold {}, but column 'fold' only 0 to {}; all repeats need as many folds",
                      file, column_name(repeat), highest, plan.k - 1);
    }
    check_rows_in_each(fold_of, plan.k, repeat, file);
    check_groups(table, fold_of, repeat, file);
  }
  plan.ids = table.column("id");
  plan.groups = table.column("group");
  return plan;
}

}  // namespace pleat
