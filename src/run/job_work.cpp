#include "run/job_work.h"

#include <ATen/Parallel.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <fmt/ranges.h>

#include "base/log.h"
#include "base/run_log.h"
#include "base/stop_signal.h"
#include "base/stopwatch.h"
#include "base/terminal.h"
#include "base/wording.h"

namespace pleat {
namespace {

// An error of one shard alone ends all ranks, so its line must name the job. Rank 0 names the job in all other cases.
template <class Work>
auto naming(const std::string& name, const Slot& slot, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    if (slot.ranks().size == 1 || error.on_all_ranks() || error.code() == ExitCode::kStopped) throw;
    throw Error(error.code(), fmt::format("{}: {}", name, error.what()));
  }
}

// The scores of each head on the rows that the fold held out. A result that cannot be scored is its own job's failure.
std::vector<Scores> score_result(const Run& run, const PlannedJob& job, const FinishedJob& finished) try {
  const TargetPlan& plan = run.dataset->targets;
  const Unit& unit = plan.units[std::size_t(job.unit)];
  std::vector<Scores> scores;
  for (const int target : unit.targets) {
    const std::string head = head_name(unit, plan.targets[std::size_t(target)]);
    const JobPredictions made = parse_predictions(finished.predictions, head, job.name);
    std::vector<std::int64_t> labels;
    for (std::size_t i = 0; i < job.held_out_rows; ++i)
      labels.push_back(run.dataset->labels[std::size_t(target)].classes[std::size_t(job.work.predict_rows[i])]);
    scores.push_back(score(at::softmax(made.held_out_logits.to(at::kDouble), 1), at::tensor(labels, at::kLong)));
  }
  return scores;
} catch (const Error& error) {
  throw ErrorOf<ExitCode::kSomeFailed>("its result cannot be scored: {}", error.what());
}

// "macro_f1 0.9120", or of several heads "macro_f1 mask 0.9120, age 0.5310".
std::string scores_text(const Run& run, const PlannedJob& job, const FinishedJob& finished,
                        const std::vector<Scores>& scores) {
  std::string text = run.config.score;
  for (std::size_t h = 0; h < scores.size(); ++h) {
    if (scores.size() > 1) text += fmt::format("{} {}", h > 0 ? "," : "", job.work.heads[h].target);
    text += fmt::format(" {:.4f}", shown_score(scores[h], run.config.score));
  }
  if (job.work.train.keep != "best") return text;
  return text + fmt::format(" (the weights of epoch {} of {})", finished.kept_epoch, finished.history.size());
}

}  // namespace

std::string train_job(const Run& run, const PlannedJob& job, const Slot& slot, const HandedOut& handed_out) {
  const LogContext context_of_lines(handed_out.name);
  const Clock::time_point start = Clock::now();
  JobSource* source = handed_out.source;
  const TrainContext context{
      .crops = run.dataset->crops,
      .device = run.place.device,
      .conv_plan = plan_of(run.conv_plans, job.work.model.id),
      .ranks = slot.ranks(),
      .group = slot.group(),
      .resume_folder = run.folder_of(job) / kResumeFolder,
      .progress = [&](const TrainProgress& progress) { source->progress(handed_out.job, to_bytes(progress)); },
      .stop_requested = [&] { return stop_signal_received() || (source && source->stop_requested()); }};
  const FoldResult result = naming(handed_out.name, slot, [&] { return train_fold(job.work, context); });
  return slot.leads() ? to_bytes(pack_result(job, result, seconds_since(start))) : std::string();
}

std::string keep_result(const Run& run, const PlannedJob& job, const FinishedJob& finished, Owner owner) {
  const std::vector<Scores> scores = job.is_trunk() ? std::vector<Scores>() : score_result(run, job, finished);
  try {
    write_result(run.folder_of(job), job, finished, scores, owner);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", job.name, error.what()));
  }
  if (job.is_trunk())
    return fmt::format("{} folds continue from epoch {}", job.last_fold - job.fold.value + 1, finished.kept_epoch);
  return scores_text(run, job, finished, scores) + " on its held-out rows";
}

std::string leader_text(const RankLayout& layout, const std::vector<std::string>& hosts, int slot) {
  const int leader = layout.leader(slot);
  return fmt::format("host {} (rank {})", hosts[std::size_t(leader)], leader);
}

void report_running(const std::vector<JobQueue::Running>& running, const RankLayout& layout,
                    const std::vector<std::string>& hosts, const std::string& command,
                    const std::function<std::string(int job)>& name_of,
                    const std::function<std::string(int job)>& place_of) {
  end_block();
  spdlog::warn("received SIGTERM (a lost rank, Ctrl-C under mpirun, a time limit) while {} ran:",
               counted(std::int64_t(running.size()), "job"));
  for (const auto& [job, slot] : running) {
    std::vector<std::string> ranks;
    const int leader = layout.leader(slot);
    for (int rank = leader; rank < leader + layout.shards; ++rank)
      ranks.push_back(fmt::format("rank {} (host {})", rank, hosts[std::size_t(rank)]));
    spdlog::warn("{} was on {}, {}", name_of(job), fmt::join(ranks, ", "), place_of(job));
  }
  spdlog::warn("resume with: {}", command);
  spdlog::default_logger()->flush();
}

}  // namespace pleat
