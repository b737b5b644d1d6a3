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

/// The room for progress_lines.
struct ProgressRoom {
  int columns = 80;
  bool utf8 = true;  // false: ASCII bars
};

/// "████████░░░░░░░░░░░░", or "########............" without `utf8`. `share`: 0 to 1; `width`: characters
std::string progress_bar(double share, int width = 20, bool utf8 = true);

/// At most kShownJobs jobs, with the number of the others, then `whole`. Bars shrink to 5 characters where the text
/// needs their room.
std::vector<std::string> progress_lines(const std::vector<RunningJob>& jobs, const std::string& whole,
                                        const ProgressRoom& room = {});
inline constexpr std::size_t kShownJobs = 12;

}  // namespace pleat
