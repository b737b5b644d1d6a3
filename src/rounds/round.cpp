#include "rounds/round.h"

#include <chrono>
#include <memory>
#include <optional>

#include "base/files.h"
#include "base/log.h"
#include "base/stop_signal.h"
#include "cluster/slot.h"
#include "jobs/job_queue.h"
#include "rounds/dry_run.h"
#include "rounds/finish.h"
#include "rounds/job_result.h"
#include "rounds/run_progress.h"
#include "rounds/run_setup.h"
#include "rounds/shared_value.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

// A slot's work on one job.
JobWork slot_work(const Run& run, const Slot& slot, JobSource* source) {
  return [&run, &slot, source](int index) {
    const PlannedJob& job = run.jobs[std::size_t(index)];
    const LogContext context_of_lines(job.name);
    if (slot.leads()) spdlog::info("starts on host {}", run.host);
    const Clock::time_point start = Clock::now();
    const TrainContext context{
        .crops = run.dataset.crops,
        .device = run.place.device,
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
    const FoldResult result = train_fold(job.work, context);
    return slot.leads() ? pack_result(job, result, std::chrono::duration<double>(Clock::now() - start).count())
                        : std::vector<std::string>{};
  };
}

// Rank 0 keeps a result: scored on the rows that the fold held out, written, and only then done.
std::string keep_result(const Run& run, const PlannedJob& job, const std::vector<std::string>& parts) {
  const JobPredictions made = parse_predictions(parts.at(1), job.name);
  std::vector<std::int64_t> labels;
  for (std::size_t i = 0; i < job.held_out_rows; ++i)
    labels.push_back(run.dataset.labels[std::size_t(job.target)][std::size_t(job.work.predict_rows[i])]);
  const Scores scores = score(at::softmax(made.held_out_logits.to(at::kDouble), 1), at::tensor(labels, at::kLong));
  write_result(run.folder_of(job), job, parts, scores);
  return fmt::format("{} {:.4f}", run.config.score, score_by_name(scores, run.config.score));
}

Outcome run_all_jobs(const Run& run, const MpiSession& session) {
  const Slot slot(session, run.place.layout, run.place.device);
  JobQueue queue(static_cast<int>(run.jobs.size()));
  RunProgress progress(run.jobs);
  Outcome outcome;
  if (session.rank() == 0) {
    for (std::size_t i = 0; i < run.jobs.size(); ++i) {
      if (!is_done(run.folder_of(run.jobs[i]), run.jobs[i].work.key)) continue;
      queue.already_done(static_cast<int>(i));
      progress.already_done(static_cast<int>(i));
    }
    outcome.done_before = queue.count(JobState::kDone);
    spdlog::info("{} jobs, {} done before, on {} slot{} of {} rank{} with {} thread{} each ({}, {})", run.jobs.size(),
                 outcome.done_before, run.place.layout.slots, run.place.layout.slots == 1 ? "" : "s",
                 run.place.layout.shards, run.place.layout.shards == 1 ? "" : "s", run.place.mine.threads,
                 run.place.mine.threads == 1 ? "" : "s", run.place.device_name(), run.config.train.precision);
  }
  const JobEvents events{.finished =
                             [&](int job, const std::vector<std::string>& parts) {
                               progress.finished(job, keep_result(run, run.jobs[std::size_t(job)], parts));
                             },
                         .failed =
                             [&](int job, const std::string& message) {
                               spdlog::error("{} failed: {}", run.jobs[std::size_t(job)].name, message);
                               outcome.failures.emplace_back(job, message);
                             },
                         .progressed = [&](int job, const std::string& report) { progress.heard(job, report); }};
  run_jobs(session, run.place.layout, slot, queue, events,
           [&](JobSource* source) { return slot_work(run, slot, source); });
  outcome.images_per_second = static_cast<double>(progress.trained_images()) / progress.seconds();
  return outcome;
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
  std::optional<Error> ended;
  try {
    outcome = run_all_jobs(run, session);
  } catch (const Error& error) {  // on rank 0, after all ranks have left their jobs
    if (error.on_all_ranks() || session.rank() != 0) throw;
    ended = error;
  }
  const std::string result = from_rank_0(session.ranks(), [&] {
    if (ended) throw *ended;
    const RunFacts facts{.wall_seconds = std::chrono::duration<double>(Clock::now() - start).count(),
                         .train_images_per_second = outcome.images_per_second,
                         .ranks = session.size(),
                         .threads = run.place.mine.threads,
                         .slots = run.place.layout.slots,
                         .jobs = static_cast<int>(run.jobs.size()),
                         .done_before = outcome.done_before,
                         .failed = static_cast<int>(outcome.failures.size()),
                         .device = run.place.device_name(),
                         .precision = run.config.train.precision,
                         .promise = promise(run.config)};
    return std::to_string(static_cast<int>(finish_run(run, outcome, facts)));
  });
  return static_cast<ExitCode>(std::stoi(result));
}

}  // namespace pleat
