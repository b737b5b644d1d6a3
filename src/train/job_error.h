// What LibTorch throws inside a job, as that job's failure.
#pragma once

#include <functional>

#include "base/error.h"

namespace pleat {

using JobFailed = ErrorOf<ExitCode::kSomeFailed>;

/// Runs `work`. An Error passes; anything else becomes a JobFailed of one line, with what to do if a device's memory
/// was full.
void as_job_error(const std::function<void()>& work);

}  // namespace pleat
