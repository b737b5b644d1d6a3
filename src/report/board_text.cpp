#include "report/board_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/text_width.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "ensemble/row_groups.h"
#include "report/config_differences.h"
#include "report/report_data.h"

namespace pleat {
namespace {

constexpr const char* kVerdicts[] = {"better", "worse", "no evidence"};  // by Verdict

std::size_t width_of(const std::vector<std::string>& names, const Experiment& experiment) {
  std::size_t width = 14;
  for (const std::size_t run : experiment.runs) width = std::max(width, text_width(names[run]));
  return width;
}

// The classes in their order; of many classes those that differ most.
std::vector<std::size_t> listed_classes(const Comparison& pair) {
  constexpr std::size_t kMost = 30;
  std::vector<std::size_t> classes(pair.class_f1.size());
  std::iota(classes.begin(), classes.end(), 0);
  if (classes.size() <= kMost) return classes;
  const auto size = [&](std::size_t c) { return std::abs(pair.class_f1[c].value); };
  std::stable_sort(classes.begin(), classes.end(), [&](std::size_t a, std::size_t b) { return size(a) > size(b); });
  classes.resize(kMost);
  return classes;
}

// The classes and folds of a pair.
std::string details(const Board& board, const Comparison& pair) {
  std::vector<std::pair<std::string, std::string>> lines;  // what, difference
  const std::vector<std::size_t> classes = listed_classes(pair);
  for (const std::size_t c : classes)
    lines.emplace_back("F1 of " + shown(board.classes[c], 40), difference_text(pair.class_f1[c]));
  if (classes.size() < pair.class_f1.size())
    lines.emplace_back(fmt::format("{} classes more", pair.class_f1.size() - classes.size()), "see --json");
  for (std::size_t f = 0; f < pair.fold_score.size(); ++f)
    lines.emplace_back(fmt::format("fold {}", f), fmt::format("{:+.4f}", pair.fold_score[f]));
  std::size_t width = 0;
  for (const auto& [what, difference] : lines) width = std::max(width, text_width(what));
  std::string text;
  for (const auto& [what, difference] : lines) text += fmt::format("      {}  {}\n", padded(what, width), difference);
  return text;
}

std::string table_text(const Board& board, const FoldPlan& plan, const std::vector<std::string>& names,
                       std::size_t width) {
  const auto name_of = [&](std::size_t place) { return names[board.entries[place].run]; };
  const bool tested = std::any_of(board.entries.begin(), board.entries.end(),
                                  [](const BoardEntry& entry) { return entry.test.has_value(); });
  std::string text = fmt::format("\n{} {:>19}{}   {}\n", padded(shown(board.target, 60), width + 2),
                                 "OOF " + board.score, tested ? "      test" : "", "against the best");
  for (std::size_t place = 0; place < board.entries.size(); ++place) {
    const BoardEntry& entry = board.entries[place];
    const std::string test = entry.test ? score_text(*entry.test, board.score) : "";
    text += fmt::format("  {} {:>10} ± {:.4f}", padded(name_of(place), width), score_text(entry.oof, board.score),
                        entry.spread);
    if (tested) text += fmt::format(" {:>9}", test);
    const auto pair = board.pairs.find({0, place});
    if (pair != board.pairs.end()) {
      text += fmt::format("   {}   {}", difference_text(pair->second.score), verdict_text(pair->second, plan));
    }
    text += "\n";
  }
  return text;
}

std::string pairs_text(const Board& board, const FoldPlan& plan, const std::vector<std::string>& names) {
  std::string text = fmt::format("\n  pairs of {}\n", shown(board.target, 60));
  for (const auto& [places, pair] : board.pairs) {
    text += fmt::format("    {} less {}: {}   {}\n", names[board.entries[places.second].run],
                        names[board.entries[places.first].run], difference_text(pair.score), verdict_text(pair, plan));
    text += details(board, pair);
  }
  return text;
}

Json to_json(const Interval& interval) {
  return {{"value", interval.value}, {"low", interval.low}, {"high", interval.high}};
}

Json pair_json(const Board& board, const Comparison& pair, const std::string& a, const std::string& b) {
  Json classes = Json::object();
  for (std::size_t c = 0; c < pair.class_f1.size(); ++c) classes[board.classes[c]] = to_json(pair.class_f1[c]);
  return {{"run", a},
          {"against", b},
          {"difference", to_json(pair.score)},
          {"verdict", kVerdicts[static_cast<std::size_t>(pair.verdict)]},
          {"missing_groups", pair.missing_groups},
          {"class_f1", classes},
          {"folds", pair.fold_score}};
}

Json target_json(const Board& board, const std::vector<std::string>& names) {
  Json runs = Json::array(), pairs = Json::array();
  for (const BoardEntry& entry : board.entries) {
    runs.push_back({{"run", names[entry.run]},
                    {"oof", entry.oof},
                    {"score_spread", entry.spread},
                    {"test", entry.test ? Json(*entry.test) : Json(nullptr)}});
  }
  for (const auto& [places, pair] : board.pairs) {
    pairs.push_back(
        pair_json(board, pair, names[board.entries[places.second].run], names[board.entries[places.first].run]));
  }
  return {{"score", board.score}, {"runs", runs}, {"pairs", pairs}};
}

}  // namespace

std::string difference_text(const Interval& interval) {
  return fmt::format("{:+.4f} [{:+.4f}, {:+.4f}]", interval.value, interval.low, interval.high);
}

// Two digits: it is an estimate.
std::size_t rounded(std::int64_t number) {
  std::int64_t unit = 1;
  while (number / unit >= 100) unit *= 10;
  return static_cast<std::size_t>((number + unit / 2) / unit * unit);
}

std::string verdict_text(const Comparison& pair, const FoldPlan& plan) {
  std::string text = kVerdicts[static_cast<std::size_t>(pair.verdict)];
  if (pair.verdict != Verdict::kNoEvidence) return text;
  if (pair.missing_groups == 0) return text + "; the scores are equal";
  constexpr std::int64_t kFar = 100;  // times the groups that there are
  const std::string word = resampled_unit(plan);
  if (pair.missing_groups > kFar * pair.groups)
    return fmt::format("{}; not even {} × as many {}s would tell", text, kFar, word);
  return fmt::format("{}; about {} more {}{} would tell", text, grouped(rounded(pair.missing_groups)), word,
                     pair.missing_groups == 1 ? "" : "s");
}

std::string experiment_text(const Experiment& experiment, const std::vector<RunResult>& runs) {
  const FoldPlan& plan = runs[experiment.runs.front()].oof.plan;
  const std::string of_groups =
      plan.groups == plan.ids ? "" : fmt::format(" of {}", counted(group_rows(plan.groups).count(), "group"));
  return fmt::format("{} on the same {}{}, {}{}", counted(std::int64_t(experiment.runs.size()), "run"),
                     counted(std::int64_t(plan.ids.size()), "row"), of_groups, counted(plan.k, "fold"),
                     plan.repeats == 1 ? "" : ", " + counted(plan.repeats, "repeat"));
}

std::string differences_text(const Experiment& experiment, const std::vector<RunResult>& runs,
                             const std::vector<std::string>& names) {
  std::vector<std::filesystem::path> folders;
  for (const std::size_t run : experiment.runs) folders.push_back(runs[run].folder);
  const std::vector<ConfigDifference> differences = config_differences(folders);
  if (differences.empty()) return "";
  const std::size_t width = width_of(names, experiment);
  std::string text = "\nconfigs differ in\n";
  for (std::size_t i = 0; i < experiment.runs.size(); ++i) {
    text += fmt::format("  {}", padded(names[experiment.runs[i]], width));
    for (const ConfigDifference& each : differences)
      text += fmt::format("  {}: {}", each.key, each.values[i].empty() ? "-" : each.values[i]);
    text += "\n";
  }
  return text;
}

std::string board_text(const Experiment& experiment, const std::vector<RunResult>& runs,
                       const std::vector<std::string>& names, const BoardTextOptions& options) {
  const FoldPlan& plan = runs[experiment.runs.front()].oof.plan;
  std::string text = fmt::format("\n{}{}\n", options.number == 0 ? "" : fmt::format("{}. ", options.number),
                                 experiment_text(experiment, runs));
  const std::size_t width = width_of(names, experiment);
  for (const Board& board : experiment.boards) {
    text += table_text(board, plan, names, width);
    if (options.pairs) text += pairs_text(board, plan, names);
  }
  return text + differences_text(experiment, runs, names);
}

Json board_json(const Experiment& experiment, const std::vector<RunResult>& runs,
                const std::vector<std::string>& names) {
  const FoldPlan& plan = runs[experiment.runs.front()].oof.plan;
  Json targets = Json::object();
  for (const Board& board : experiment.boards) targets[board.target] = target_json(board, names);
  return {{"rows", plan.ids.size()},
          {"groups", group_rows(plan.groups).count()},
          {"folds", plan.k},
          {"repeats", plan.repeats},
          {"targets", targets}};
}

}  // namespace pleat
