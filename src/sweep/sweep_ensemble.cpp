#include "sweep/sweep_ensemble.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/files.h"
#include "base/run_log.h"
#include "base/wording.h"
#include "merge/merge_runs.h"
#include "merge/merged_folder.h"
#include "sweep/sweep_table.h"

namespace pleat {
namespace {

// The score on held-out test rows in a run's summary.json, more is better: of the joint target, else the mean over the
// targets.
std::optional<double> test_score(const RunPaths& run, const TargetPlan& targets) {
  const Json summary = parse_json_or_null(read_file(run.summary()));
  double sum = 0;
  for (std::size_t t = 0; t < targets.targets.size(); ++t) {
    const Json& test = summary["targets"][targets.targets[t].name]["test"];
    if (test.is_null()) return std::nullopt;
    const double score = test["score"];
    if (targets.joint && t + 1 == targets.targets.size()) return score;
    sum += score;
  }
  return sum / static_cast<double>(targets.targets.size());
}

// ensemble_cells.json: the cells that the ensemble is made of.
std::string names_of(const SweepPlan& plan, const std::vector<int>& cells) {
  Json names = Json::array();
  for (const int cell : cells) names.push_back(plan.trials[std::size_t(cell)].name);
  return names.dump(1) + "\n";
}

}  // namespace

void check_ensemble_folder(const SweepPlan& plan) try {
  require_free(plan.paths.ensemble(), {});
} catch (const Error&) {  // its message is about pleat ensemble's --out
  throw DataError(
      "--collect cannot write its ensemble: {} holds other files than an earlier ensemble; move them away, or give "
      "another folder with --run",
      plan.paths.ensemble().string());
}

bool ensemble_is_current(const SweepPlan& plan, const SweepState& state, const std::vector<int>& complete) {
  if (state.done_now > 0 || !file_exists(plan.paths.ensemble_cells())) return false;
  if (!file_exists(RunPaths{plan.paths.ensemble()}.ensemble(0))) return false;
  return read_file(plan.paths.ensemble_cells()) == names_of(plan, complete);
}

void collect_ensemble(const SweepPlan& plan, SweepState& state, const std::vector<int>& complete,
                      const std::optional<HonestScore>& honest) {
  MergeRequest request{.out = plan.paths.ensemble(), .method = "greedy"};
  for (const int cell : complete) request.runs.push_back(plan.trials[std::size_t(cell)].full.paths.root);
  print_result(fmt::format("\nensemble of {}\n", counted(std::int64_t(complete.size()), "complete cell")));
  if (ensemble_is_current(plan, state, complete)) {
    print_result(fmt::format("{} was made by an earlier start\n", plan.paths.ensemble().string()));
  } else {
    merge_runs(request);
    write_file(plan.paths.ensemble_cells(), names_of(plan, complete));
  }
  const RunPaths ensemble{plan.paths.ensemble()};
  const Run& run = plan.base();
  const int winner = *state.race.winner();
  if (honest && honest->folds == plan.shape.folds) {
    const TargetsScore joined = state.scores.scores_of_ensemble(read_oof(ensemble.oof(0)).tables);
    const Interval gain = as_shown(paired_difference(joined, honest->rows), run.config.score);
    print_result(fmt::format("difference to the best cell, both cross-fitted: {} {:+.4f} ({:+.4f} to {:+.4f})\n",
                             run.config.score, gain.value, gain.low, gain.high));
  }
  const auto of_ensemble = test_score(ensemble, run.dataset->targets);
  const auto of_best = test_score(plan.trials[std::size_t(winner)].full.paths, run.dataset->targets);
  if (of_ensemble && of_best)
    print_result(fmt::format("on held-out test rows: {} {}, best cell {}\n", run.config.score,
                             shown(*of_ensemble, run.config.score), shown(*of_best, run.config.score)));
}

}  // namespace pleat
