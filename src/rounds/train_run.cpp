#include "rounds/train_run.h"

#include <optional>

#include "base/log.h"
#include "base/run_log.h"
#include "base/stopwatch.h"
#include "rounds/finish.h"
#include "rounds/round_jobs.h"
#include "rounds/trunks.h"
#include "run/dry_run.h"
#include "run/memory_check.h"
#include "run/run_setup.h"

namespace pleat {
namespace {

RunTotals totals_of(const Run& run, const MpiSession& session, Clock::time_point start) {
  return {.wall_seconds = seconds_since(start),
          .ranks = session.size(),
          .threads = run.place.mine.threads,
          .device = run.place.device_name(),
          .precision = run.config.train.precision,
          .promise = run.promise};
}

}  // namespace

RunEnd train_run(const TrainRequest& request, const MpiSession& session) {
  const Clock::time_point start = Clock::now();
  Run run = set_up_run(request, session);
  const RoundsPlan plan = plan_rounds(run, session);
  if (request.dry_run) {
    DryRun dry_run;
    on_rank_0(session.ranks(), [&] {
      dry_run = describe_dry_run(run, plan.first, plan.judges, describe_trunks(run, plan.trunks));
      print_result(dry_run.text);
    });
    check_memory(dry_run.need, run.place, session);
    return {};
  }
  check_memory(run, plan.first.jobs, session);
  const std::unique_ptr<RunFolder> folder = begin_run(run, plan.first, session);
  if (session.rank() == 0) {
    start_run_log(run.paths.log(), request.command);
    spdlog::info("results go to {}; if this run ends early, resume it with: {}", run.paths.root.string(),
                 request.command);
  }
  Outcome outcome;
  const std::optional<Error> ended = run_all_jobs(run, plan, session, request.command, start, outcome);
  const auto code = broadcast<ExitCode>(session.ranks(), [&] {
    if (ended && ended->code() == ExitCode::kStopped) write_cost(run.paths, outcome.before + outcome.now);
    if (ended) throw *ended;
    const std::string result = finish_run(run, plan, outcome, totals_of(run, session, start));
    print_result(result + fmt::format("Results: {}\n", run.paths.root.string()));
    return outcome.failures.empty() ? ExitCode::kDone : ExitCode::kSomeFailed;
  });
  return {code, run.config.report ? run.paths.root : ""};
}

}  // namespace pleat
