#include "rounds/train_run.h"

#include <optional>

#include "base/log.h"
#include "base/stopwatch.h"
#include "rounds/finish.h"
#include "rounds/round_jobs.h"
#include "run/dry_run.h"
#include "run/run_setup.h"

namespace pleat {
namespace {

RunTotals totals_of(const Run& run, const Round& round, const Outcome& outcome, const MpiSession& session,
                    Clock::time_point start) {
  return {.wall_seconds = seconds_since(start),
          .round = round.index,
          .ranks = session.size(),
          .threads = run.place.mine.threads,
          .jobs = static_cast<int>(round.jobs.size()),
          .done_before = outcome.done_before,
          .failed = static_cast<int>(outcome.failures.size()),
          .device = run.place.device_name(),
          .precision = run.config.train.precision,
          .promise = run.promise};
}

}  // namespace

ExitCode train_run(const TrainRequest& request, const MpiSession& session) {
  const Clock::time_point start = Clock::now();
  Run run = set_up_run(request, session);
  const Round round = plan_first_round(run, session);
  if (request.dry_run) {
    if (session.rank() == 0) fmt::print("{}", describe_dry_run(run, round));
    return ExitCode::kDone;
  }
  const std::unique_ptr<RunFolder> folder = begin_run(run, round, session);
  if (session.rank() == 0) {
    spdlog::info("results go to {}; if this run ends early, resume it with: {}", run.paths.root.string(),
                 request.command);
  }
  Outcome outcome;
  const std::optional<Error> ended = run_round_jobs(run, round, session, request.command, start, outcome);
  return broadcast<ExitCode>(session.ranks(), [&] {
    if (ended && ended->code() == ExitCode::kStopped) write_cost(run.paths, outcome.before + outcome.now);
    if (ended) throw *ended;
    return finish_round(run, round, outcome, totals_of(run, round, outcome, session, start));
  });
}

}  // namespace pleat
