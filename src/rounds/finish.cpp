#include "rounds/finish.h"

#include <algorithm>

#include "base/files.h"
#include "base/log.h"
#include "rounds/gather.h"

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

}  // namespace

ExitCode finish_run(const Run& run, const Outcome& outcome, const RunFacts& facts) {
  write_failures(run, outcome);
  std::vector<GatheredTarget> gathered;
  for (std::size_t t = 0; t < run.dataset.targets.size(); ++t) {
    const bool failed = std::any_of(outcome.failures.begin(), outcome.failures.end(), [&](const auto& failure) {
      return run.jobs[std::size_t(failure.first)].target == static_cast<int>(t);
    });
    if (failed)
      spdlog::error("target {} has failed jobs, so it has no out-of-fold table; see {}", run.dataset.targets[t].name,
                    run.paths.failures().string());
    else
      gathered.push_back(gather_target(static_cast<int>(t), run.config, run.dataset, run.plan, run.jobs, run.paths));
  }
  std::vector<OofTable> tables;
  std::vector<TargetScores> scores;
  for (const GatheredTarget& target : gathered) {
    tables.push_back(target.oof);
    scores.push_back(score_target(target, run.dataset, run.plan, run.config.score));
  }
  if (!gathered.empty()) {
    make_folder(run.paths.round());
    write_oof(run.paths.oof(), run.plan, tables);
    write_file(run.paths.ensemble(), describe_ensemble(run.config, run.plan, gathered, run.paths).dump(2) + "\n");
    if (!run.dataset.test.empty() || !run.dataset.unlabelled.empty())
      write_file(run.paths.predictions(), predictions_csv(gathered, run.dataset));
  }
  write_file(run.paths.summary(), summarise(scores, run.config.score, facts).dump(2) + "\n");
  fmt::print("{}", final_table(scores, run.config.score, facts));
  fmt::print("Results: {}\n", run.paths.root.string());
  return outcome.failures.empty() ? ExitCode::kDone : ExitCode::kSomeFailed;
}

}  // namespace pleat
