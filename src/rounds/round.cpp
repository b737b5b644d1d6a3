#include "rounds/round.h"

#include <chrono>
#include <numeric>

#include "base/build_info.h"
#include "base/files.h"
#include "base/log.h"
#include "base/stop_signal.h"
#include "cluster/slot.h"
#include "jobs/job_queue.h"
#include "rounds/compute_place.h"
#include "rounds/dataset.h"
#include "rounds/dry_run.h"
#include "rounds/gather.h"
#include "rounds/job_plan.h"
#include "rounds/job_result.h"
#include "rounds/run_config.h"
#include "rounds/run_folder.h"
#include "rounds/run_progress.h"
#include "rounds/shared_value.h"
#include "rounds/summary.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

/// What every rank knows of the run.
struct Run {
  RunConfig config;
  RunPaths paths;
  ComputePlace place;
  Dataset dataset;
  FoldPlan plan;
  std::vector<PlannedJob> jobs;

  fs::path folder_of(const PlannedJob& job) const {
    return paths.fold(dataset.targets[std::size_t(job.target)].name, config.models[std::size_t(job.model)].id,
                      job.fold);
  }
};

// A plan in the order of the crops file, whatever the order of the rows it was made or read from.
FoldPlan in_crop_order(const FoldPlan& plan, const std::vector<std::int64_t>& rows) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rows[a] < rows[b]; });
  FoldPlan sorted{.k = plan.k, .repeats = plan.repeats, .fold_of = std::vector<std::vector<int>>(plan.fold_of.size())};
  for (const std::size_t i : order) {
    sorted.ids.push_back(plan.ids[i]);
    sorted.groups.push_back(plan.groups[i]);
    for (std::size_t r = 0; r < plan.fold_of.size(); ++r) sorted.fold_of[r].push_back(plan.fold_of[r][i]);
  }
  return sorted;
}

// The run folder's frozen plan, the user's, or a new one.
FoldPlan choose_plan(const Run& run, bool continued) {
  const std::string& file = run.config.folds.file;
  const auto in_order = [&](const FoldPlan& plan) { return in_crop_order(plan, rows_of_plan(run.dataset, plan)); };
  const bool frozen = continued && fs::exists(run.paths.folds());
  FoldPlan plan = frozen          ? in_order(read_folds(run.paths.folds()))
                  : !file.empty() ? in_order(read_folds(file))
                                  : make_folds(fold_request(run.config, run.dataset));
  if (frozen && !file.empty() && folds_csv(in_order(read_folds(file))) != folds_csv(plan)) {
    throw UsageError("folds.file {} is not the plan that {} was made with; give another folder with --run", file,
                     run.paths.root.string());
  }
  if (plan.k != run.config.folds.k || plan.repeats != run.config.folds.repeats) {
    throw UsageError("{} has {} folds x {} repeats, but the config says folds.k: {} and folds.repeats: {}",
                     frozen ? run.paths.folds().string() : file, plan.k, plan.repeats, run.config.folds.k,
                     run.config.folds.repeats);
  }
  return plan;
}

Json run_facts(const Run& run, const MpiSession& session) {
  const ImageShape& shape = run.dataset.crops.shape();
  return {{"pleat", version()},
          {"build", build_id()},
          {"data",
           {{"crops", run.config.data.crops},
            {"hash", run.dataset.hash},
            {"rows", run.dataset.crops.rows()},
            {"shape", {shape.height, shape.width, shape.channels}},
            {"provenance", run.dataset.crops.provenance()}}},
          {"norm", {{"mean", run.dataset.norm.mean}, {"std", run.dataset.norm.std}}},
          {"targets",
           [&] {
             Json targets = Json::array();
             for (const Target& target : run.dataset.targets)
               targets.push_back({{"name", target.name}, {"column", target.column}, {"classes", target.classes}});
             return targets;
           }()},
          {"layout",
           {{"ranks", session.size()},
            {"slots", run.place.layout.slots},
            {"shards", run.place.layout.shards},
            {"hosts", session.hosts()}}},
          {"threads", run.place.mine.threads},
          {"device", run.place.device_name()},
          {"precision", run.config.train.precision},
          {"promise", promise(run.config)}};
}

// Everything up to the list of jobs. On rank 0 the folder is locked and the plan frozen in it, unless this is a dry
// run.
Run prepare_run(const TrainRequest& request, const MpiSession& session, std::unique_ptr<RunFolder>& folder) {
  const Ranks world = session.ranks();
  RunConfig config;
  together(world, [&] { config = load_run_config(request.config, request.assignments); });
  const bool auto_precision = config.train.precision == "auto";
  ComputePlace place = choose_place(config, session);
  std::optional<Dataset> dataset;
  together(world, [&] { dataset.emplace(open_dataset(config)); });
  agree_on_inputs(config, dataset->hash, session);
  Run run{.config = config,
          .paths = {request.run.empty() ? fs::path("runs") / request.config.stem() : request.run},
          .place = place,
          .dataset = std::move(*dataset)};

  const std::string decided = from_rank_0(world, [&] {
    bool continued = fs::exists(run.paths.config());
    if (!request.dry_run) {
      if (auto_precision) config.train.precision = "auto";  // an earlier run's choice, if there is one, comes first
      folder = std::make_unique<RunFolder>(run.paths, config, run.dataset.hash);
      if (config.train.precision == "auto") config.train.precision = run.config.train.precision;
      continued = folder->continued();
    }
    const FoldPlan plan = choose_plan(run, continued);
    return Json{{"precision", config.train.precision}, {"plan", plan_to_text(plan)}}.dump();
  });
  const Json values = Json::parse(decided);
  run.config.train.precision = values["precision"];
  run.plan = plan_from_text(values["plan"]);
  together(world, [&] {
    run.dataset.train = rows_of_plan(run.dataset, run.plan);
    run.dataset.norm = choose_norm(run.config, run.dataset);
    run.jobs = plan_jobs(run.config, run.dataset, run.plan);
  });
  return run;
}

// A slot's work on one job.
JobWork slot_work(const Run& run, const Slot& slot, JobSource* source) {
  return [&run, &slot, source](int index) {
    const PlannedJob& job = run.jobs[std::size_t(index)];
    set_log_context(job.name);
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
    set_log_context("");
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

/// What rank 0 remembers of the jobs.
struct Outcome {
  std::vector<std::pair<int, std::string>> failures;  // job and why
  int done_before = 0;
  double images_per_second = 0;
};

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

void write_failures(const Run& run, const Outcome& outcome) {
  std::error_code ignored;
  if (outcome.failures.empty()) {
    fs::remove(run.paths.failures(), ignored);
    return;
  }
  Json list = Json::array();
  for (const auto& [job, why] : outcome.failures)
    list.push_back({{"job", run.jobs[std::size_t(job)].name}, {"why", why}});
  write_file(run.paths.failures(), list.dump(2) + "\n");
}

// Rank 0, at the end: OOF tables, ensemble, predictions, summary and the table for people.
ExitCode gather_and_report(const Run& run, const Outcome& outcome, RunFacts facts) {
  write_failures(run, outcome);
  std::vector<GatheredTarget> gathered;
  for (std::size_t t = 0; t < run.dataset.targets.size(); ++t) {
    const bool failed = std::any_of(outcome.failures.begin(), outcome.failures.end(), [&](const auto& failure) {
      return run.jobs[std::size_t(failure.first)].target == static_cast<int>(t);
    });
    if (failed)
      spdlog::error("target {} has failed jobs, so it has no out-of-fold table; see {}", run.dataset.targets[t].name,
                    run.paths.failures().string());
    else
      gathered.push_back(gather_target(static_cast<int>(t), run.config, run.dataset, run.plan, run.jobs, run.paths));
  }
  std::vector<OofTable> tables;
  std::vector<TargetScores> scores;
  for (const GatheredTarget& target : gathered) {
    tables.push_back(target.oof);
    scores.push_back(score_target(target, run.dataset, run.plan, run.config.score));
  }
  if (!gathered.empty()) {
    make_folder(run.paths.round());
    write_oof(run.paths.oof(), run.plan, tables);
    write_file(run.paths.ensemble(), describe_ensemble(run.config, run.plan, gathered, run.paths).dump(2) + "\n");
    if (!run.dataset.test.empty() || !run.dataset.unlabelled.empty())
      write_file(run.paths.predictions(), predictions_csv(gathered, run.dataset));
  }
  write_file(run.paths.summary(), summarise(scores, run.config.score, facts).dump(2) + "\n");
  fmt::print("{}", final_table(scores, run.config.score, facts));
  fmt::print("Results: {}\n", run.paths.root.string());
  return outcome.failures.empty() ? ExitCode::kDone : ExitCode::kSomeFailed;
}

}  // namespace

ExitCode train_run(const TrainRequest& request, const MpiSession& session) {
  const Clock::time_point start = Clock::now();
  std::unique_ptr<RunFolder> folder;
  const Run run = prepare_run(request, session, folder);
  if (request.dry_run) {
    if (session.rank() == 0)
      fmt::print("{}", describe_dry_run(run.config, run.dataset, run.jobs, run.place, run.paths.root));
    return ExitCode::kDone;
  }
  from_rank_0(session.ranks(), [&] {
    folder->record(run.config, run_facts(run, session));
    write_file(run.paths.folds(), folds_csv(run.plan));
    return std::string();
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
    return std::to_string(static_cast<int>(gather_and_report(run, outcome, facts)));
  });
  return static_cast<ExitCode>(std::stoi(result));
}

}  // namespace pleat
