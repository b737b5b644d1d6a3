#include "rounds/round_jobs.h"

#include <ATen/Parallel.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

#include <vector>

#include "base/files.h"
#include "base/log.h"
#include "base/stop_signal.h"
#include "base/wording.h"
#include "cluster/slot.h"
#include "jobs/job_queue.h"
#include "run/finished_job.h"
#include "run/last_wave.h"
#include "run/run_progress.h"
#include "train/fold_trainer.h"

namespace pleat {
namespace {

// An error of one shard alone ends all ranks, so its line must name the job. Rank 0 names the job in all other cases.
template <class Work>
auto naming(const PlannedJob& job, const Slot& slot, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    if (slot.ranks().size == 1 || error.on_all_ranks() || error.code() == ExitCode::kStopped) throw;
    throw Error(error.code(), fmt::format("{}: {}", job.name, error.what()));
  }
}

// A slot's work on one job. Returns the bytes of a FinishedJob on the leader.
JobWork slot_work(const Run& run, const Round& round, const Slot& slot, const LastWave& wave, JobSource* source) {
  return [&run, &round, &slot, &wave, source](int index, const std::string&) {
    const PlannedJob& job = round.jobs[std::size_t(index)];
    const LogContext context_of_lines(job.name);
    const ThreadCount threads(wave.jobs.contains(index) ? wave.threads : run.place.mine.threads);
    if (slot.leads()) spdlog::info("starts on host {} with {}", run.host, counted(at::get_num_threads(), "thread"));
    const Clock::time_point start = Clock::now();
    const TrainContext context{
        .crops = run.dataset.crops,
        .device = run.place.device,
        .conv_plan = plan_of(run.conv_plans, job.work.model.id),
        .ranks = slot.ranks(),
        .group = slot.group(),
        .resume_folder = run.folder_of(round, job) / kResumeFolder,
        .progress = [source, index](const TrainProgress& progress) { source->progress(index, to_bytes(progress)); },
        .stop_requested = [source] { return stop_signal_received() || (source && source->stop_requested()); }};
    const FoldResult result = naming(job, slot, [&] { return train_fold(job.work, context); });
    return slot.leads() ? to_bytes(pack_result(job, result, seconds_since(start))) : std::string();
  };
}

// The scores of each head on the rows that the fold held out. A result that cannot be scored is its own job's failure.
std::vector<Scores> score_result(const Run& run, const PlannedJob& job, const FinishedJob& finished) try {
  const TargetPlan& plan = run.dataset.targets;
  const Unit& unit = plan.units[std::size_t(job.unit)];
  std::vector<Scores> scores;
  for (const int target : unit.targets) {
    const std::string head = head_name(unit, plan.targets[std::size_t(target)]);
    const JobPredictions made = parse_predictions(finished.predictions, head, job.name);
    std::vector<std::int64_t> labels;
    for (std::size_t i = 0; i < job.held_out_rows; ++i)
      labels.push_back(run.dataset.labels[std::size_t(target)].classes[std::size_t(job.work.predict_rows[i])]);
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

// Rank 0's side of a round: the callbacks of the job queue.
class Recorder {
 public:
  Recorder(const Run& run, const Round& round, const MpiSession& session, std::string command, Clock::time_point start,
           Outcome& outcome)
      : run_(run),
        round_(round),
        session_(session),
        command_(std::move(command)),
        start_(start),
        outcome_(outcome),
        progress_(round.jobs, run.place.layout.slots) {}

  // Marks the jobs that the folder holds, and logs the round's start.
  void begin(JobQueue& queue) {
    for (std::size_t i = 0; i < round_.jobs.size(); ++i) {
      if (!is_done(run_.folder_of(round_, round_.jobs[i]), round_.jobs[i].work.key)) continue;
      queue.already_done(static_cast<int>(i));
      progress_.already_done(static_cast<int>(i));
    }
    outcome_.done_before = queue.count(JobState::kDone);
    outcome_.before = read_cost(run_.paths);
    const RankLayout& layout = run_.place.layout;
    spdlog::info("{}, {} done before, on {} of {} with {} each ({}, {})",
                 counted(std::int64_t(round_.jobs.size()), "job"), outcome_.done_before, counted(layout.slots, "slot"),
                 counted(layout.shards, "rank"), counted(run_.place.mine.threads, "thread"), run_.place.device_name(),
                 run_.config.train.precision);
  }

  JobEvents events() {
    return {.finished = [this](int job, const std::string& result) { keep(job, from_bytes<FinishedJob>(result)); },
            .failed =
                [this](int job, const std::string& message) {
                  spdlog::error("{} failed: {}", round_.jobs[std::size_t(job)].name, message);
                  outcome_.failures.emplace_back(job, message);
                },
            .progressed =
                [this](int job, const std::string& report) { progress_.heard(job, from_bytes<TrainProgress>(report)); },
            .terminating = [this](const std::vector<JobQueue::Running>& running) { say_what_ran(running); }};
  }

  RunCost cost() const { return {seconds_since(start_), progress_.seconds(), progress_.trained_images()}; }

 private:
  // Scores the result, writes it, and only then counts the job as done.
  void keep(int index, const FinishedJob& finished) {
    const PlannedJob& job = round_.jobs[std::size_t(index)];
    const std::vector<Scores> scores = score_result(run_, job, finished);
    try {
      write_result(run_.folder_of(round_, job), job, finished, scores);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}: {}", job.name, error.what()));
    }
    progress_.finished(index, scores_text(run_, job, finished, scores));
    write_cost(run_.paths, outcome_.before + cost());
  }

  // A lost rank cannot report its job, and rank 0 cannot know which rank was lost: this lists the job of every rank.
  void say_what_ran(const std::vector<JobQueue::Running>& running) const {
    spdlog::warn("received SIGTERM (a lost rank, Ctrl-C under mpirun, a time limit) while {} ran:",
                 counted(std::int64_t(running.size()), "job"));
    for (const auto& [job, slot] : running) {
      std::vector<std::string> ranks;
      const int leader = run_.place.layout.leader(slot);
      for (int rank = leader; rank < leader + run_.place.layout.shards; ++rank)
        ranks.push_back(fmt::format("rank {} (host {})", rank, session_.hosts()[std::size_t(rank)]));
      spdlog::warn("{} was on {}, {}", round_.jobs[std::size_t(job)].name, fmt::join(ranks, ", "),
                   progress_.place_of(job));
    }
    spdlog::warn("resume with: {}", command_);
    spdlog::default_logger()->flush();
  }

  const Run& run_;
  const Round& round_;
  const MpiSession& session_;
  std::string command_;
  Clock::time_point start_;
  Outcome& outcome_;
  RunProgress progress_;
};

}  // namespace

std::optional<Error> run_round_jobs(const Run& run, const Round& round, const MpiSession& session,
                                    const std::string& command, Clock::time_point start, Outcome& outcome) {
  const Slot slot(session, run.place.layout, run.place.device);
  JobQueue queue(static_cast<int>(round.jobs.size()));
  Recorder recorder(run, round, session, command, start, outcome);
  if (session.rank() == 0) recorder.begin(queue);
  const auto to_do = broadcast<std::vector<int>>(session.ranks(), [&] { return queue.pending(); });
  const LastWave wave = last_wave(run.config, run.place.layout, run.place.mine, to_do);
  const std::optional<Error> ended =
      run_jobs(session, run.place.layout, slot, queue, recorder.events(),
               [&](JobSource* source) { return slot_work(run, round, slot, wave, source); });
  outcome.now = recorder.cost();
  return ended;
}

}  // namespace pleat
