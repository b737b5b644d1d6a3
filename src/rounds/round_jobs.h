// Runs the jobs of all rounds on all slots, and keeps their results on rank 0.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/stopwatch.h"
#include "cluster/mpi_session.h"
#include "rounds/finish.h"
#include "rounds/rounds_plan.h"

namespace pleat {

/// Collective. Trains every job that the run folder does not hold yet, and fills in `outcome` on rank 0.
///   command: the line that resumes the run, for messages; start: of this process's run
/// Returns, on rank 0, the error that ended the run early. The slots are gone on all ranks by then.
std::optional<Error> run_all_jobs(const Run& run, const RoundsPlan& plan, const MpiSession& session,
                                  const std::string& command, Clock::time_point start, Outcome& outcome);

}  // namespace pleat
