#include "rounds/round.h"

#include <ATen/Parallel.h>

#include <chrono>
#include <memory>
#include <optional>

#include "base/files.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/stop_signal.h"
#include "cluster/slot.h"
#include "jobs/job_queue.h"
#include "rounds/dry_run.h"
#include "rounds/finish.h"
#include "rounds/job_result.h"
#include "rounds/last_wave.h"
#include "rounds/run_progress.h"
#include "rounds/run_setup.h"
#include "rounds/shared_value.h"
#include "train/fold_trainer.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// An error of one shard alone ends all ranks, and its line must say in which job that was. Others are named by rank 0.
template <class Work>
auto naming(const PlannedJob& job, const Slot& slot, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    if (slot.ranks().size == 1 || error.on_all_ranks() || error.code() == ExitCode::kStopped) throw;
    throw Error(error.code(), fmt::format("{}: {}", job.name, error.what()));
  }
}

// A slot's work on one job.
JobWork slot_work(const Run& run, const Slot& slot, const LastWave& wave, JobSource* source) {
  return [&run, &slot, &wave, source](int index) {
    const PlannedJob& job = run.jobs[std::size_t(index)];
    const LogContext context_of_lines(job.name);
    const ThreadCount threads(wave.jobs.contains(index) ? wave.threads : run.place.mine.threads);
    if (slot.leads()) spdlog::info("starts on host {} with {}", run.host, counted(at::get_num_threads(), "thread"));
    const Clock::time_point start = Clock::now();
    const TrainContext context{
        .crops = run.dataset.crops,
        .device = run.place.device,
        .conv_plan = plan_of(run.conv_plans, job.work.model.id),
        .slot = slot.ranks(),
        .group = slot.group(),
        .resume_folder = run.folder_of(job) / kResumeFolder,
        .progress =
            [source, index](const TrainProgress& progress) {
              Json report = to_json(progress.epoch);
              report["step"] = progress.step;
              report["steps"] = progress.steps;
              report["done_before"] = progress.images_before;
              source->progress(index, report.dump());
            },
        .stop_requested = [source] { return stop_signal_received() || (source && source->stop_requested()); }};
    const FoldResult result = naming(job, slot, [&] { return train_fold(job.work, context); });
    return slot.leads() ? pack_result(job, result, seconds_since(start)) : std::vector<std::string>{};
  };
}

// On the rows that the fold held out, each head. A result that cannot be scored is its job's failure, and no other's.
std::vector<Scores> score_result(const Run& run, const PlannedJob& job, const std::vector<std::string>& parts) try {
  const TargetPlan& plan = run.dataset.targets;
  const Unit& unit = plan.units[std::size_t(job.unit)];
  std::vector<Scores> scores;
  for (const int target : unit.targets) {
    const std::string head = head_name(unit, plan.targets[std::size_t(target)]);
    const JobPredictions made = parse_predictions(parts.at(1), head, job.name);
    std::vector<std::int64_t> labels;
    for (std::size_t i = 0; i < job.held_out_rows; ++i)
      labels.push_back(run.dataset.labels[std::size_t(target)].classes[std::size_t(job.work.predict_rows[i])]);
    scores.push_back(score(at::softmax(made.held_out_logits.to(at::kDouble), 1), at::tensor(labels, at::kLong)));
  }
  return scores;
} catch (const Error& error) {
  throw ErrorOf<ExitCode::kSomeFailed>("its result cannot be scored: {}", error.what());
}

// Rank 0 keeps a result: scored, written, and only then done. Returns the score in words.
std::string keep_result(const Run& run, const PlannedJob& job, const std::vector<std::string>& parts) {
  const std::vector<Scores> scores = score_result(run, job, parts);
  try {
    write_result(run.folder_of(job), job, parts, scores);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", job.name, error.what()));
  }
  std::string text = run.config.score;
  for (std::size_t h = 0; h < scores.size(); ++h) {
    if (scores.size() > 1) text += fmt::format("{} {}", h > 0 ? "," : "", job.work.heads[h].target);
    text += fmt::format(" {:.4f}", shown_score(scores[h], run.config.score));
  }
  if (job.work.train.keep == "best") {
    const Json facts = Json::parse(parts.at(2));
    text +=
        fmt::format(" (the weights of epoch {} of {})", facts.at("kept_epoch").get<int>(), facts.at("history").size());
  }
  return text;
}

// Whoever was lost cannot say what it was at, and rank 0 cannot know which it was: it says what everyone was at.
void say_what_ran(const Run& run, const MpiSession& session, const RunProgress& progress,
                  const std::vector<JobQueue::Running>& running, const std::string& command) {
  spdlog::warn("told to end (SIGTERM: a lost rank, Ctrl-C under mpirun, a time limit); {} job{} ran:", running.size(),
               running.size() == 1 ? "" : "s");
  for (const auto& [job, slot] : running) {
    std::vector<std::string> ranks;
    const int leader = run.place.layout.leader(slot);
    for (int rank = leader; rank < leader + run.place.layout.shards; ++rank)
      ranks.push_back(fmt::format("rank {} (host {})", rank, session.hosts()[std::size_t(rank)]));
    spdlog::warn("{} was on {}, {}", run.jobs[std::size_t(job)].name, fmt::join(ranks, ", "), progress.place_of(job));
  }
  spdlog::warn("continue with: {}", command);
  spdlog::default_logger()->flush();
}

// Rank 0 alone knows what was done before.
LastWave agree_on_last_wave(const Run& run, const MpiSession& session, const JobQueue& queue) {
  const std::string to_do = from_rank_0(session.ranks(), [&] { return Json(queue.pending()).dump(); });
  return last_wave(run.config, run.place.layout, run.place.mine, Json::parse(to_do).get<std::vector<int>>());
}

// Fills in `outcome`; returns, on rank 0, what ended the run early. The slots are gone on all ranks by then.
std::optional<Error> run_all_jobs(const Run& run, const MpiSession& session, const std::string& command,
                                  Clock::time_point start, Outcome& outcome) {
  const Slot slot(session, run.place.layout, run.place.device);
  JobQueue queue(static_cast<int>(run.jobs.size()));
  RunProgress progress(run.jobs, run.place.layout.slots);
  const auto cost = [&] { return RunCost{seconds_since(start), progress.seconds(), progress.trained_images()}; };
  if (session.rank() == 0) {
    for (std::size_t i = 0; i < run.jobs.size(); ++i) {
      if (!is_done(run.folder_of(run.jobs[i]), run.jobs[i].work.key)) continue;
      queue.already_done(static_cast<int>(i));
      progress.already_done(static_cast<int>(i));
    }
    outcome.done_before = queue.count(JobState::kDone);
    outcome.before = read_cost(run.paths);
    spdlog::info("{} jobs, {} done before, on {} slot{} of {} rank{} with {} thread{} each ({}, {})", run.jobs.size(),
                 outcome.done_before, run.place.layout.slots, run.place.layout.slots == 1 ? "" : "s",
                 run.place.layout.shards, run.place.layout.shards == 1 ? "" : "s", run.place.mine.threads,
                 run.place.mine.threads == 1 ? "" : "s", run.place.device_name(), run.config.train.precision);
  }
  const LastWave wave = agree_on_last_wave(run, session, queue);
  const JobEvents events{.finished =
                             [&](int job, const std::vector<std::string>& parts) {
                               progress.finished(job, keep_result(run, run.jobs[std::size_t(job)], parts));
                               write_cost(run.paths, outcome.before + cost());
                             },
                         .failed =
                             [&](int job, const std::string& message) {
                               spdlog::error("{} failed: {}", run.jobs[std::size_t(job)].name, message);
                               outcome.failures.emplace_back(job, message);
                             },
                         .progressed = [&](int job, const std::string& report) { progress.heard(job, report); },
                         .told_to_end =
                             [&](const std::vector<JobQueue::Running>& running) {
                               say_what_ran(run, session, progress, running, command);
                             }};
  const std::optional<Error> ended = run_jobs(session, run.place.layout, slot, queue, events,
                                              [&](JobSource* source) { return slot_work(run, slot, wave, source); });
  outcome.now = cost();
  return ended;
}

}  // namespace

ExitCode train_run(const TrainRequest& request, const MpiSession& session) {
  const Clock::time_point start = Clock::now();
  std::unique_ptr<RunFolder> folder;
  const Run run = set_up_run(request, session, folder);
  if (request.dry_run) {
    if (session.rank() == 0)
      fmt::print("{}", describe_dry_run(run.config, run.dataset, run.jobs, run.place, run.paths.root));
    return ExitCode::kDone;
  }
  together(session.ranks(), [&] {
    if (session.rank() != 0) return;
    record_run(run, *folder, session);
    spdlog::info("results go to {}; if this run ends early, continue it with: {}", run.paths.root.string(),
                 request.command);
  });
  Outcome outcome;
  const std::optional<Error> ended = run_all_jobs(run, session, request.command, start, outcome);
  const std::string result = from_rank_0(session.ranks(), [&] {
    if (ended && ended->code() == ExitCode::kStopped) write_cost(run.paths, outcome.before + outcome.now);
    if (ended) throw *ended;
    const RunFacts facts{.wall_seconds = seconds_since(start),
                         .ranks = session.size(),
                         .threads = run.place.mine.threads,
                         .slots = run.place.layout.slots,
                         .jobs = static_cast<int>(run.jobs.size()),
                         .done_before = outcome.done_before,
                         .failed = static_cast<int>(outcome.failures.size()),
                         .device = run.place.device_name(),
                         .precision = run.config.train.precision,
                         .promise = run.promise};
    return std::to_string(static_cast<int>(finish_run(run, outcome, facts)));
  });
  return static_cast<ExitCode>(std::stoi(result));
}

}  // namespace pleat
