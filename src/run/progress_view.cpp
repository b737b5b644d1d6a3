#include "run/progress_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace pleat {

std::string progress_bar(double share) {
  constexpr int kWidth = 20;
  // A bar is full only once everything is done.
  const int full = std::clamp(static_cast<int>(std::floor(share * kWidth)), 0, kWidth);
  std::string bar;
  for (int i = 0; i < kWidth; ++i) bar += i < full ? "█" : "░";
  return bar;
}

std::vector<std::string> progress_lines(const std::vector<RunningJob>& jobs, const std::string& whole) {
  std::size_t width = 0;
  const std::size_t shown = std::min(kShownJobs, jobs.size());
  for (std::size_t i = 0; i < shown; ++i) width = std::max(width, jobs[i].name.size());
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < shown; ++i)
    lines.push_back(fmt::format("{:<{}}  {}  {}", jobs[i].name, width, progress_bar(jobs[i].share), jobs[i].status));
  if (jobs.size() > shown) lines.push_back(fmt::format("and {} more", jobs.size() - shown));
  lines.push_back(whole);
  return lines;
}

}  // namespace pleat
