#include "run/progress_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace pleat {

std::string progress_bar(double share, int width, bool utf8) {
  // A bar is full only once everything is done.
  const int full = std::clamp(static_cast<int>(std::floor(share * width)), 0, width);
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < full ? (utf8 ? "█" : "#") : (utf8 ? "░" : ".");
  return bar;
}

std::vector<std::string> progress_lines(const std::vector<RunningJob>& jobs, const std::string& whole,
                                        const ProgressRoom& room) {
  constexpr int kLongestBar = 20, kShortestBar = 5, kGaps = 4;
  std::size_t names = 0, statuses = 0;
  const std::size_t shown = std::min(kShownJobs, jobs.size());
  for (std::size_t i = 0; i < shown; ++i) {
    names = std::max(names, jobs[i].name.size());
    statuses = std::max(statuses, jobs[i].status.size());
  }
  const int left = room.columns - 1 - static_cast<int>(names + statuses) - kGaps;
  const int bar = std::clamp(left, kShortestBar, kLongestBar);
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < shown; ++i) {
    lines.push_back(fmt::format("{:<{}}  {}  {}", jobs[i].name, names, progress_bar(jobs[i].share, bar, room.utf8),
                                jobs[i].status));
  }
  if (jobs.size() > shown) lines.push_back(fmt::format("and {} more", jobs.size() - shown));
  lines.push_back(whole);
  return lines;
}

}  // namespace pleat
