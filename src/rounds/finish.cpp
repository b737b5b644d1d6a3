#include "rounds/finish.h"

#include <algorithm>

#include "base/files.h"
#include "base/log.h"
#include "rounds/gather.h"
#include "rounds/predictions_csv.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

void write_failures(const Run& run, const Outcome& outcome) {
  std::error_code ignored;
  if (outcome.failures.empty()) {
    fs::remove(run.paths.failures(), ignored);
    return;
  }
  Json list = Json::array();
  for (const auto& [job, why] : outcome.failures)
    list.push_back({{"job", run.jobs[std::size_t(job)].name}, {"why", why}});
  write_file(run.paths.failures(), list.dump(2) + "\n");
}

// A start that found every job done has trained nothing: the figures stay those of the starts that did.
RunFacts over_all_starts(const Run& run, const Outcome& outcome, RunFacts facts) {
  RunCost total = outcome.before;
  if (outcome.now.images > 0 || outcome.before.images == 0) {
    RunCost now = outcome.now;
    now.wall_seconds = facts.wall_seconds;
    total = total + now;
    write_cost(run.paths, total);
  } else if (file_exists(run.paths.summary())) {
    const Json earlier = Json::parse(read_file(run.paths.summary()), nullptr, /*allow_exceptions=*/false);
    if (earlier.is_object()) {
      facts.ranks = earlier.value("ranks", facts.ranks);
      facts.threads = earlier.value("threads", facts.threads);
      facts.device = earlier.value("device", facts.device);
    }
  }
  facts.wall_seconds = total.wall_seconds;
  facts.train_images_per_second = total.images_per_second();
  return facts;
}

std::vector<GatheredTarget> gather_all(const Run& run, const Outcome& outcome) {
  std::vector<GatheredTarget> gathered;
  for (std::size_t u = 0; u < run.dataset.targets.units.size(); ++u) {
    const bool failed = std::any_of(outcome.failures.begin(), outcome.failures.end(), [&](const auto& failure) {
      return run.jobs[std::size_t(failure.first)].unit == static_cast<int>(u);
    });
    if (failed) {
      spdlog::error("{} has failed jobs, so it has no out-of-fold table; see {}", run.dataset.targets.units[u].name,
                    run.paths.failures().string());
      continue;
    }
    for (GatheredTarget& target :
         gather_unit(static_cast<int>(u), run.config, run.dataset, run.plan, run.jobs, run.paths))
      gathered.push_back(std::move(target));
  }
  add_derived(run.dataset, gathered);
  return gathered;
}

void write_tables(const Run& run, const std::vector<GatheredTarget>& gathered) {
  std::vector<OofTable> tables;
  for (const GatheredTarget& target : gathered) tables.push_back(target.oof);
  const bool others = !run.dataset.test.empty() || !run.dataset.unlabelled.empty();
  std::error_code ignored;
  if (gathered.empty()) {  // tables of an earlier success would pass for this one's
    fs::remove(run.paths.oof(), ignored);
    fs::remove(run.paths.ensemble(), ignored);
  } else {
    make_folder(run.paths.round());
    write_oof(run.paths.oof(), run.plan, tables);
    write_file(run.paths.ensemble(),
               describe_ensemble(run.config, run.dataset, run.plan, gathered, run.paths).dump(2) + "\n");
  }
  if (gathered.empty() || !others)
    fs::remove(run.paths.predictions(), ignored);
  else
    write_file(run.paths.predictions(), predictions_csv(gathered, run.dataset));
}

}  // namespace

ExitCode finish_run(const Run& run, const Outcome& outcome, const RunFacts& facts) {
  const RunFacts whole = over_all_starts(run, outcome, facts);
  write_failures(run, outcome);
  const std::vector<GatheredTarget> gathered = gather_all(run, outcome);
  write_tables(run, gathered);
  std::vector<TargetScores> scores;
  for (const GatheredTarget& target : gathered)
    scores.push_back(score_target(target, run.dataset, run.plan, run.config.score));
  write_file(run.paths.summary(), summarise(scores, run.config.score, whole).dump(2) + "\n");
  fmt::print("{}", final_table(scores, run.config.score, whole));
  fmt::print("Results: {}\n", run.paths.root.string());
  return outcome.failures.empty() ? ExitCode::kDone : ExitCode::kSomeFailed;
}

}  // namespace pleat
