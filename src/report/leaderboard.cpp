#include "report/leaderboard.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

#include "target/metrics.h"

namespace pleat {
namespace {

std::vector<Experiment> divide(const std::vector<RunResult>& runs) {
  std::vector<Experiment> experiments;
  for (std::size_t run = 0; run < runs.size(); ++run) {
    const auto fits = [&](const Experiment& each) {
      return incomparable(runs[each.runs.front()].oof, runs[run].oof).empty();
    };
    const auto mine = std::find_if(experiments.begin(), experiments.end(), fits);
    (mine == experiments.end() ? experiments.emplace_back() : *mine).runs.push_back(run);
  }
  return experiments;
}

// The score of the ensemble on the rows of each fold of the first repeat.
double spread_over_folds(const OofTable& table, const FoldPlan& plan, const std::string& name) {
  std::vector<double> scores;
  for (int fold = 0; fold < plan.k; ++fold) {
    std::vector<std::int64_t> rows;
    for (const std::size_t row : held_out(plan, FoldId{fold})) rows.push_back(static_cast<std::int64_t>(row));
    if (rows.empty()) continue;
    const torch::Tensor places = at::tensor(rows, at::kLong);
    scores.push_back(
        score_by_name(score(table.ensemble.index_select(0, places), table.labels.index_select(0, places)), name));
  }
  return spread(scores);
}

std::optional<double> test_score(const Json& summary, const std::string& target, const std::string& name) {
  const Json& targets = summary["targets"];
  if (!targets.contains(target) || !targets[target].is_object()) return std::nullopt;
  const Json test = targets[target].value("test", Json());
  if (!test.is_object() || !test.value(name, Json()).is_number()) return std::nullopt;
  const double value = test[name].get<double>();
  return name == "log_loss" ? -value : value;
}

Board make_board(const std::vector<RunResult>& runs, const Experiment& experiment, std::size_t target,
                 const BoardRequest& request) {
  const OofFile& first = runs[experiment.runs.front()].oof;
  Board board{.target = first.tables[target].target, .score = request.score, .classes = first.tables[target].classes};
  for (const std::size_t run : experiment.runs) {
    const OofTable& table = runs[run].oof.tables[target];
    board.entries.push_back({.run = run,
                             .oof = score_by_name(score(table.ensemble, table.labels), board.score),
                             .spread = spread_over_folds(table, first.plan, board.score),
                             .test = test_score(runs[run].summary, board.target, board.score)});
  }
  std::stable_sort(board.entries.begin(), board.entries.end(),
                   [](const BoardEntry& a, const BoardEntry& b) { return a.oof > b.oof; });
  const auto probs_of = [&](std::size_t place) { return runs[board.entries[place].run].oof.tables[target].ensemble; };
  for (std::size_t a = 0; a < (request.all_pairs ? board.entries.size() : 1); ++a) {
    for (std::size_t b = a + 1; b < board.entries.size(); ++b) {
      board.pairs[{a, b}] =
          compare_predictions({.a = probs_of(b), .b = probs_of(a), .labels = first.tables[target].labels}, first.plan,
                              board.score, request.resamples);
    }
  }
  return board;
}

}  // namespace

std::string incomparable(const OofFile& a, const OofFile& b) {
  if (a.plan.ids != b.plan.ids) return "other rows";
  if (a.plan.groups != b.plan.groups) return "other groups";
  if (a.plan.fold_of != b.plan.fold_of) return "other folds";
  if (a.tables.size() != b.tables.size()) return "other targets";
  for (std::size_t t = 0; t < a.tables.size(); ++t) {
    if (a.tables[t].target != b.tables[t].target) return "other targets";
    if (a.tables[t].classes != b.tables[t].classes) return "other classes";
    if (!at::equal(a.tables[t].labels, b.tables[t].labels)) return "other labels";
  }
  return "";
}

std::vector<Experiment> make_boards(const std::vector<RunResult>& runs, const BoardRequest& request) {
  std::vector<Experiment> experiments = divide(runs);
  for (Experiment& experiment : experiments) {
    BoardRequest mine = request;
    if (mine.score.empty()) mine.score = runs[experiment.runs.front()].summary["score"];
    const std::size_t targets = runs[experiment.runs.front()].oof.tables.size();
    for (std::size_t t = 0; t < targets; ++t) experiment.boards.push_back(make_board(runs, experiment, t, mine));
  }
  return experiments;
}

}  // namespace pleat
