// What LibTorch throws inside a job, as that job's failure.
#pragma once

#include <functional>

#include "base/error.h"
#include "base/ranks.h"

namespace pleat {

using JobFailed = ErrorOf<ExitCode::kSomeFailed>;

/// Runs `work`. An Error passes; anything else becomes a JobFailed of one line, with what to do if a device's memory
/// was full.
void as_job_error(const std::function<void()>& work);

/// The same on a slot of one rank. With shards, for what they do without asking each other in between, an error passes as
/// it is: one that fails alone must end the run, and with it those that wait for it.
void as_job_error_alone(const Ranks& slot, const std::function<void()>& work);

}  // namespace pleat
