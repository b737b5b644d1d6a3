#include "train/job_error.h"

#include <c10/util/Exception.h>

#include "cluster/failure.h"

namespace pleat {

void as_job_error(const std::function<void()>& work) try { work(); } catch (const Error&) {
  throw;
} catch (const c10::OutOfMemoryError& error) {
  throw JobFailed("the device's memory is full ({}); lower train.batch, or raise train.micro_batches",
                  message_of(error));
} catch (const std::exception& error) {
  throw JobFailed(message_of(error));
}

void as_job_error_alone(const Ranks& ranks, const std::function<void()>& work) {
  if (ranks.size > 1) return work();
  as_job_error(work);
}

}  // namespace pleat
