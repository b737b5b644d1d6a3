#include "rounds/trunks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/files.h"
#include "base/wording.h"
#include "folds/trunk_plan.h"
#include "jobs/job_key.h"
#include "run/finished_job.h"
#include "run/job_identity.h"

namespace pleat {
namespace {

TrunkPlan trunk_plan_of(const RunConfig& config, const FoldPlan& plan) {
  return plan_trunks(plan.k, plan.repeats, config.folds.trunks.value.value_or(kAutoTrunkShare), config.train.epochs);
}

// The trunks of one unit and model.
std::vector<PlannedJob> trunks_of(const Run& run, const Round& first, const TrunkPlan& plan, int unit, int model) {
  std::vector<PlannedJob> jobs;
  for (const Trunk& trunk : plan.trunks) {
    JobPlace place{.unit = unit, .model = model, .fold = {trunk.first}, .last_fold = trunk.last};
    place.shared = {.from = trunk.from, .until = trunk.until};
    if (trunk.parent >= 0) place.shared.trunk = jobs[static_cast<std::size_t>(trunk.parent)].work.key;
    jobs.push_back(plan_job(first.labels, run.config, *run.dataset, *run.plan, run.files, place));
  }
  return jobs;
}

}  // namespace

std::vector<PlannedJob> plan_trunk_jobs(const Run& run, Round& first) {
  std::vector<PlannedJob> all;
  const TrunkPlan plan = trunk_plan_of(run.config, *run.plan);
  if (plan.trunks.empty()) return all;
  std::vector<PlannedJob> trunks;  // of the unit and model of the job before
  for (PlannedJob& job : first.jobs) {
    if (trunks.empty() || trunks.front().unit != job.unit || trunks.front().model != job.model) {
      trunks = trunks_of(run, first, plan, job.unit, job.model);
      all.insert(all.end(), trunks.begin(), trunks.end());
    }
    const int trunk = plan.trunk_of[static_cast<std::size_t>(job.fold.value)];
    if (trunk < 0) continue;
    job.work.shared = {.from = plan.shared_epochs(job.fold), .trunk = trunks[static_cast<std::size_t>(trunk)].work.key};
    job.work.key = job_key(job_identity(run.config, *run.dataset, job));
  }
  return all;
}

std::string describe_trunks(const Run& run, const std::vector<PlannedJob>& trunks) {
  if (trunks.empty()) return "";
  const std::int64_t epochs = run.config.train.epochs;
  const int slots = run.place.layout.slots;
  const TrunkPlan plan = trunk_plan_of(run.config, *run.plan);
  const TrunkPlan none = plan_trunks(run.plan->k, run.plan->repeats, 0, epochs);
  std::vector<std::string> folds;
  for (const Trunk& trunk : plan.trunks)
    folds.push_back(
        fmt::format("folds {} to {} share epochs {} to {}", trunk.first, trunk.last, trunk.from + 1, trunk.until));
  constexpr std::size_t kListed = 6;
  const std::size_t more = folds.size() > kListed ? folds.size() - kListed : 0;
  folds.resize(folds.size() - more);
  return fmt::format(
      "trunks    {}: {}{}; the run trains on {:.0f} % of the images that it would without trunks; on {} a "
      "network's folds take the time of {}, without trunks of {}\n",
      counted(std::int64_t(trunks.size()), "more job"), fmt::join(folds, ", "),
      more > 0 ? fmt::format(" and {} more", more) : "", 100 * trunk_cost(plan, epochs), counted(slots, "slot"),
      counted(epochs_until_done(plan, epochs, slots), "epoch"), epochs_until_done(none, epochs, slots));
}

TrunkStates::TrunkStates(const Run& run, const std::vector<PlannedJob>& trunks, const Schedule& schedule)
    : run_(run), trunks_(trunks), schedule_(schedule), waiting_(schedule.jobs.size()) {
  for (const ScheduledJob& job : schedule.jobs)
    if (job.trunk >= 0) ++waiting_[static_cast<std::size_t>(job.trunk)];
}

std::string TrunkStates::state_for(int job) const {
  const int trunk = schedule_.jobs[static_cast<std::size_t>(job)].trunk;
  const int base = schedule_.jobs[static_cast<std::size_t>(trunk)].base;
  return read_file(run_.folder_of(trunks_[static_cast<std::size_t>(base)]) / kStateFile);
}

void TrunkStates::done(int job) {
  const int trunk = schedule_.jobs[static_cast<std::size_t>(job)].trunk;
  if (trunk < 0 || --waiting_[static_cast<std::size_t>(trunk)] > 0) return;
  const int base = schedule_.jobs[static_cast<std::size_t>(trunk)].base;
  const std::filesystem::path folder = run_.folder_of(trunks_[static_cast<std::size_t>(base)]);
  if (file_exists(folder / kStateFile)) release_state(folder);
}

}  // namespace pleat
