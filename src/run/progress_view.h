// The running jobs as lines of a terminal: a bar each, and the state of the whole run below.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pleat {

/// A job that a slot trains.
struct RunningJob {
  std::string name;
  double share = 0;    // of its training that is done, 0 to 1
  std::string status;  // "epoch 3 of 8, loss 0.4123, 1,523 images/s"
};

/// "████████░░░░░░░░░░░░", 20 characters. `share`: 0 to 1
std::string progress_bar(double share);

/// At most kShownJobs jobs, with the number of the others, then `whole`.
std::vector<std::string> progress_lines(const std::vector<RunningJob>& jobs, const std::string& whole);
inline constexpr std::size_t kShownJobs = 12;

}  // namespace pleat
