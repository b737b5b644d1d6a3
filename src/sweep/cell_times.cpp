#include "sweep/cell_times.h"

#include <filesystem>

#include "run/finished_job.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

double number_in(const Json& done, const char* key) {
  return done.contains(key) && done[key].is_number() ? done[key].get<double>() : 0;
}

}  // namespace

std::vector<CellTime> times_of(const SweepPlan& plan) {
  std::vector<CellTime> times(plan.trials.size());
  for (const SweepJob& job : plan.jobs) {
    const SweepTask& task = plan.tasks[std::size_t(job.task)];
    const fs::path folder = plan.folder_of(job);
    if (!fs::exists(folder / kDoneFile)) continue;
    CellTime& time = times[std::size_t(task.cell)];
    const Json done = read_done(folder);
    const double seconds = number_in(done, "seconds"), rate = number_in(done, "train_images_per_second");
    time.seconds += seconds;
    if (task.brief) continue;
    const double images = number_in(done, "epochs") * number_in(done, "train_rows");
    time.full_seconds += seconds;
    time.images += images;
    time.train_seconds += rate > 0 ? images / rate : 0;
    ++time.full_jobs;
  }
  return times;
}

}  // namespace pleat
