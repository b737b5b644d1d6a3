// Turns LibTorch's exceptions inside a job into that job's failure.
#pragma once

#include <functional>

#include "base/error.h"
#include "base/ranks.h"

namespace pleat {

using JobFailed = ErrorOf<ExitCode::kSomeFailed>;

/// Runs `work`.
/// Throws: an Error from `work`, unchanged.
/// Throws: JobFailed in one line for any other exception, with a remedy if the device is out of memory.
void as_job_error(const std::function<void()>& work);

/// The same on a slot of one rank. With several shards every exception passes unchanged and ends the whole run: the
/// other shards would wait for ever for the one that failed. For work during which shards do not agree on errors.
void as_job_error_alone(const Ranks& ranks, const std::function<void()>& work);

}  // namespace pleat
