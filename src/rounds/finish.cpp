#include "rounds/finish.h"

#include <algorithm>

#include "base/files.h"
#include "base/log.h"
#include "rounds/ensemble_json.h"
#include "rounds/gather.h"
#include "rounds/predictions_csv.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

void write_failures(const Run& run, const Round& round, const Outcome& outcome) {
  std::error_code ignored;
  if (outcome.failures.empty()) {
    fs::remove(run.paths.failures(), ignored);
    return;
  }
  Json list = Json::array();
  for (const auto& [job, why] : outcome.failures)
    list.push_back({{"job", round.jobs[std::size_t(job)].name}, {"why", why}});
  write_file(run.paths.failures(), list.dump(2) + "\n");
}

// If every job was done before, nothing was trained: keeps the speed and layout of earlier starts.
RunTotals over_all_starts(const Run& run, const Outcome& outcome, RunTotals totals) {
  RunCost total = outcome.before;
  if (outcome.now.images > 0 || outcome.before.images == 0) {
    RunCost now = outcome.now;
    now.wall_seconds = totals.wall_seconds;
    total = total + now;
    write_cost(run.paths, total);
  } else if (file_exists(run.paths.summary())) {
    const Json earlier = parse_json_or_null(read_file(run.paths.summary()));
    if (earlier.is_object()) {
      totals.ranks = earlier.value("ranks", totals.ranks);
      totals.threads = earlier.value("threads", totals.threads);
      totals.device = earlier.value("device", totals.device);
    }
  }
  totals.wall_seconds = total.wall_seconds;
  totals.train_images_per_second = total.images_per_second();
  return totals;
}

std::vector<GatheredTarget> gather_all(const Run& run, const Round& round, const Outcome& outcome) {
  std::vector<GatheredTarget> gathered;
  for (std::size_t u = 0; u < run.dataset.targets.units.size(); ++u) {
    const bool failed = std::any_of(outcome.failures.begin(), outcome.failures.end(), [&](const auto& failure) {
      return round.jobs[std::size_t(failure.first)].unit == static_cast<int>(u);
    });
    if (failed) {
      spdlog::error("{} has failed jobs, so it has no out-of-fold table; see {}", run.dataset.targets.units[u].name,
                    run.paths.failures().string());
      continue;
    }
    for (GatheredTarget& target : gather_unit(static_cast<int>(u), run.config, run.dataset, run.plan, round, run.paths))
      gathered.push_back(std::move(target));
  }
  add_derived(run.dataset, gathered);
  return gathered;
}

void write_tables(const Run& run, const Round& round, const std::vector<GatheredTarget>& gathered) {
  std::vector<OofTable> tables;
  for (const GatheredTarget& target : gathered) tables.push_back(target.oof);
  const bool others = !run.dataset.test.empty() || !run.dataset.unlabelled.empty();
  std::error_code ignored;
  if (gathered.empty()) {  // an earlier start's tables would look like this one's
    fs::remove(run.paths.oof(round.index), ignored);
    fs::remove(run.paths.ensemble(round.index), ignored);
  } else {
    make_folder(run.paths.round(round.index));
    write_oof(run.paths.oof(round.index), run.plan, tables);
    write_file(run.paths.ensemble(round.index),
               describe_ensemble(run.config, run.dataset, run.plan, gathered, run.paths, round.index).dump(2) + "\n");
  }
  if (gathered.empty() || !others)
    fs::remove(run.paths.predictions(), ignored);
  else
    write_file(run.paths.predictions(), predictions_csv(gathered, run.dataset));
}

}  // namespace

ExitCode finish_round(const Run& run, const Round& round, const Outcome& outcome, const RunTotals& totals) {
  const RunTotals whole = over_all_starts(run, outcome, totals);
  write_failures(run, round, outcome);
  const std::vector<GatheredTarget> gathered = gather_all(run, round, outcome);
  write_tables(run, round, gathered);
  std::vector<TargetScores> scores;
  for (const GatheredTarget& target : gathered)
    scores.push_back(score_target(target, run.dataset, run.plan, run.config.score));
  write_file(run.paths.summary(), summarise(scores, run.config.score, whole).dump(2) + "\n");
  fmt::print("{}", final_table(scores, run.config.score, whole));
  fmt::print("Results: {}\n", run.paths.root.string());
  return outcome.failures.empty() ? ExitCode::kDone : ExitCode::kSomeFailed;
}

}  // namespace pleat
