#include "sweep/sweep_finish.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/run_log.h"
#include "base/wording.h"
#include "rounds/finish.h"
#include "sweep/cell_times.h"
#include "sweep/honest_choice.h"
#include "sweep/sweep_ensemble.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

std::string why_dropped(const SweepPlan& plan, const Race::Standing& standing) {
  const auto folds = [&](int count) { return counted(count, "fold"); };
  if (standing.behind) {
    const bool negated = plan.base().config.score == "log_loss";
    const Interval& behind = *standing.behind;
    return fmt::format("after {} behind {} by {:.4f} ({:.4f} to {:.4f}){}", folds(standing.folds),
                       plan.trials[std::size_t(standing.leader)].name, -behind.value, -behind.high, -behind.low,
                       negated ? " of log-loss" : "");
  }
  if (standing.folds > 0) return fmt::format("after {} not in the best half", folds(standing.folds));
  return "after the short schedule not in the best third";
}

// The failure of the cell's first failed job.
std::string why_failed(const SweepPlan& plan, const SweepState& state, int cell) {
  for (const auto& [job, why] : state.failures) {
    const SweepJob& failed = plan.jobs[std::size_t(job)];
    if (plan.tasks[std::size_t(failed.task)].cell == cell) return fmt::format("{}: {}", failed.name, why);
  }
  return "";
}

void give_verdict(const SweepPlan& plan, SweepState& state, int cell, int winner, CellResult& result) {
  const Race::Standing& standing = result.standing;
  if (standing.complete) {
    if (cell == winner) {
      result.verdict = "best";
      return;
    }
    result.to_best = state.scores.against(cell, winner, plan.shape.folds);
    result.verdict = result.to_best->high < 0 ? "worse" : "equal";
  } else if (standing.failed) {
    result.verdict = "failed";
    result.why = why_failed(plan, state, cell);
  } else {
    result.verdict = "dropped";
    result.why = why_dropped(plan, standing);
  }
}

// A trial's run of one round, all of whose jobs are done.
RoundsPlan plan_of_trial(const Run& run) {
  RoundsPlan plan{.first = {.labels = run.dataset->taught}};
  plan.first.jobs = plan_jobs(plan.first.labels, run.config, *run.dataset, *run.plan, run.files);
  plan.schedule = make_schedule({plan.first.jobs, {}, {}}, run.config, *run.dataset);
  return plan;
}

// Writes the run's tables and summary. Returns its table of scores.
std::string finish_trial(const SweepPlan& plan, int cell, const CellTime& time) {
  const Run& run = plan.trials[std::size_t(cell)].full;
  const RoundsPlan rounds = plan_of_trial(run);
  Outcome outcome{.now = {time.full_seconds, time.train_seconds, static_cast<std::int64_t>(time.images)}};
  for (std::size_t j = 0; j < rounds.schedule.jobs.size(); ++j) outcome.done_before.insert(static_cast<int>(j));
  return finish_run(run, rounds, outcome,
                    {.wall_seconds = time.full_seconds,
                     .ranks = static_cast<int>(run.place.layout.world_size),
                     .threads = run.place.mine.threads,
                     .device = run.place.device_name(),
                     .precision = run.config.train.precision,
                     .promise = find_run_record(run.paths)->promise});
}

void write_failures(const SweepPlan& plan, const SweepState& state) {
  std::error_code ignored;
  if (state.failures.empty()) {
    fs::remove(plan.paths.failures(), ignored);
    return;
  }
  Json list = Json::array();
  for (const auto& [job, why] : state.failures)
    list.push_back({{"job", plan.jobs[std::size_t(job)].name}, {"why", why}});
  write_file(plan.paths.failures(), list.dump(2) + "\n");
}

// best.yaml: the cell's config, with the rounds of the sweep's own.
void write_best(const SweepPlan& plan, int winner, const SweepResult& result) {
  const CellResult& best = result.cells[std::size_t(winner)];
  RunConfig config = plan.trials[std::size_t(winner)].full.config;
  config.rounds = plan.rounds;
  write_file(plan.paths.best(),
             fmt::format("# The best of {} of a sweep over {}: {}, {} {}.\n# Its run is trials/{}.\n",
                         counted(plan.shape.cells, "cell"), fmt::join(plan.cells.keys, ", "), best.name, result.score,
                         shown(best.score->value, result.score), best.name) +
                 to_yaml(from_json(to_json(config))));
}

// The place of the last fold that had a part in dropping a cell; -1: none.
int last_decision(const SweepPlan& plan, const SweepResult& result) {
  int last = plan.shape.briefs ? 0 : -1;
  for (const CellResult& cell : result.cells) {
    if (cell.verdict == "dropped") last = std::max(last, cell.standing.folds - 1);
  }
  return last;
}

std::string honest_text(const std::optional<HonestScore>& honest, const SweepPlan& plan, const std::string& score) {
  if (plan.shape.cells == 1) return "";
  const std::string among = fmt::format("chosen among {}", counted(plan.shape.cells, "cell"));
  if (!honest) return among + ": every fold had a part in the choice, so its score above is flattered\n";
  const Interval interval = as_shown(interval_of(honest->rows), score);
  return fmt::format(
      "{}: on {} that had no part in dropping cells, each scored by the complete cell that is best on the other folds, "
      "{} is {} ({:.4f} to {:.4f}){}\n",
      among, counted(honest->folds, "fold"), score, shown(honest->score, score), interval.low, interval.high,
      honest->flattery > 0 ? fmt::format("; the best cell's own score there flatters by {:.4f}", honest->flattery)
                           : "");
}

// Names the cells that cannot be told from the best, and the cheapest of all.
std::string equals_text(const SweepResult& result, int winner) {
  const CellResult& best = result.cells[std::size_t(winner)];
  std::string text;
  const CellResult* cheapest = &best;
  constexpr int kListed = 10;
  int equals = 0;
  for (const CellResult& cell : result.cells) {
    if (cell.verdict != "equal") continue;
    if (++equals <= kListed) text += (text.empty() ? "" : ", ") + cell.name;
    if (cell.fold_seconds < cheapest->fold_seconds) cheapest = &cell;
  }
  if (text.empty()) return "";
  text = fmt::format("equal to it within the interval: {}", text);
  if (equals > kListed) text += fmt::format(" and {} more", equals - kListed);
  constexpr double kCheaper = 0.9;  // smaller differences of measured times say little
  if (cheapest->fold_seconds > kCheaper * best.fold_seconds) return text + "; none is clearly cheaper\n";
  return text + fmt::format("; the cheapest is {}: {:.3g} s a fold, not {:.3g} s\n", cheapest->name,
                            cheapest->fold_seconds, best.fold_seconds);
}

// Removes the weights that sweep.keep does not keep. --collect has linked those of its ensemble.
void free_weights(const SweepPlan& plan, const SweepState& state, int winner) {
  const std::string& keep = plan.base().config.sweep.keep;
  for (int cell = 0; cell < plan.shape.cells && keep != "all"; ++cell) {
    if (cell != winner || keep == "scores") drop_cell_weights(plan, state, cell);
  }
}

// The complete cells' runs get their tables. Returns that of the winner.
std::string finish_trials(const SweepPlan& plan, const SweepState& state, const std::vector<int>& complete, int winner,
                          const std::vector<CellTime>& times) {
  std::string table;
  for (const int cell : complete) {
    const Trial& trial = plan.trials[std::size_t(cell)];
    if (trial.extended) continue;
    const auto held = state.folders.hold(cell);
    if (!held) continue;
    const std::string each = finish_trial(plan, cell, times[std::size_t(cell)]);
    if (cell == winner) table = "\n" + each;
  }
  return table;
}

void report_failed(const SweepPlan& plan, const SweepResult& result) {
  for (const CellResult& cell : result.cells) {
    if (cell.verdict == "failed")
      spdlog::error("{} failed ({}); see {}", cell.name, cell.why, plan.paths.failures().string());
  }
}

// An ensemble of an earlier start may lack cells that are complete now.
void name_old_ensemble(const SweepPlan& plan) {
  if (!plan.collect && file_exists(plan.paths.ensemble()))
    spdlog::info("{} is the ensemble of an earlier start; --collect makes it again", plan.paths.ensemble().string());
}

// The epochs of the short schedules; 0 if they differ, which a sweep over train.epochs makes them do.
std::int64_t same_brief_epochs(const SweepPlan& plan) {
  const std::int64_t first = plan.trials.front().brief.config.train.epochs;
  const bool same = std::all_of(plan.trials.begin(), plan.trials.end(),
                                [first](const Trial& trial) { return trial.brief.config.train.epochs == first; });
  return same ? first : 0;
}

// Every cell's result. Requires: the race is over.
SweepResult judge_cells(const SweepPlan& plan, SweepState& state, const std::vector<CellTime>& times) {
  const Run& run = plan.base();
  SweepResult result{.score = run.config.score, .first_fold = plan.fold_order.front(), .briefs = plan.shape.briefs};
  if (plan.shape.briefs) result.brief_epochs = same_brief_epochs(plan);
  const std::vector<Race::Standing> standings = state.race.standings();
  const int winner = state.race.winner().value_or(-1);
  for (int c = 0; c < plan.shape.cells; ++c) {
    const Cell& cell = plan.cells.cells[std::size_t(c)];
    CellResult& each = result.cells.emplace_back(
        CellResult{.name = cell.name, .values = cell.values, .standing = standings[std::size_t(c)]});
    if (each.standing.brief) each.brief = state.scores.brief_score(c);
    if (each.standing.folds > 0 && (each.standing.complete || !each.standing.failed))
      each.score = interval_of(state.scores.scores_of(CellScores::folds_of(c, 0, each.standing.folds)));
    give_verdict(plan, state, c, winner, each);
    if (c != winner) state.scores.forget(c);
    const CellTime& time = times[std::size_t(c)];
    each.seconds = time.seconds;
    each.images_per_second = time.train_seconds > 0 ? time.images / time.train_seconds : 0;
    if (time.full_jobs > 0) {
      const auto jobs_a_fold = static_cast<double>(plan.trials[std::size_t(c)].full.config.models.size() *
                                                   run.dataset->targets.units.size());
      each.fold_seconds = time.full_seconds / time.full_jobs * jobs_a_fold;
    }
  }
  return result;
}

}  // namespace

std::vector<int> complete_cells(const SweepState& state) {
  std::vector<int> complete;
  const std::vector<Race::Standing> standings = state.race.standings();
  for (std::size_t c = 0; c < standings.size(); ++c) {
    if (standings[c].complete) complete.push_back(static_cast<int>(c));
  }
  return complete;
}

ExitCode finish_sweep(SweepPlan& plan, SweepState& state) {
  write_failures(plan, state);
  const ExitCode code = state.failures.empty() ? ExitCode::kDone : ExitCode::kSomeFailed;
  const std::vector<CellTime> times = times_of(plan);
  const SweepResult result = judge_cells(plan, state, times);
  const int winner = state.race.winner().value_or(-1);
  const std::vector<int> complete = complete_cells(state);
  const std::string table = finish_trials(plan, state, complete, winner, times);
  write_file(plan.paths.table(), sweep_csv(plan.cells, result));
  const std::string cells = sweep_text(plan.cells, result);
  print_result("\n" + cells);
  report_failed(plan, result);
  if (winner < 0) {
    std::error_code ignored;
    fs::remove(plan.paths.best(), ignored);
    free_weights(plan, state, winner);
    print_result("\nno cell is done on all folds, so there is no best.yaml\n");
    return code;
  }
  const CellResult& best = result.cells[std::size_t(winner)];
  write_best(plan, winner, result);
  const auto honest = honest_score(state.scores, complete, winner, plan.base().plan->k, last_decision(plan, result));
  const bool several = plan.trials[std::size_t(winner)].full.config.models.size() > 1;
  print_result(fmt::format(
      "\nbest: {}{}\n{}\n{}{}", best.name,
      several ? " (cells are compared by the mean of their models; the table has the blend of its run)" : "", table,
      honest_text(honest, plan, result.score), equals_text(result, winner)));
  if (plan.collect) collect_ensemble(plan, state, complete, honest);
  free_weights(plan, state, winner);
  name_old_ensemble(plan);
  print_result(fmt::format(
      "\nResults: {} (a row per cell), {} (the best cell's config), {} ({})\n", plan.paths.table().string(),
      plan.paths.best().string(), plan.paths.trial(best.name).root.string(),
      plan.base().config.sweep.keep == "scores" ? "its run, without weights" : "its run, for pleat predict"));
  return code;
}

}  // namespace pleat
