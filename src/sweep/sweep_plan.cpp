#include "sweep/sweep_plan.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/random.h"
#include "run/frozen_folds.h"
#include "run/plan_warnings.h"
#include "run/report_rows.h"
#include "sweep/sweep_record.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

CellTable read_cells(const SweepRequest& request, const RunConfig& config) {
  if (!request.trials.empty()) {
    if (!request.axes.empty() || request.random > 0)
      throw UsageError("--trials {} lists the cells; leave --axis and --random out", request.trials.string());
    return cells_of_file(request.trials);
  }
  if (request.axes.empty())
    throw UsageError("no cells: give --axis KEY=VALUES, as in --axis train.lr=1e-4,1e-3, or --trials FILE.csv");
  const Json all = to_json(config);
  std::vector<Axis> axes;
  for (const std::string& text : request.axes)
    axes.push_back(parse_axis(text, [&](const std::string& key) { return value_of(all, key).is_number_integer(); }));
  return request.random > 0 ? random_cells(axes, request.random, std::uint64_t(config.seed)) : grid_of(axes);
}

// Rank 0's folds and precision; a resumed sweep keeps its precision.
Frozen freeze_sweep(const Run& run, const SweepPaths& paths, const Cells& cells, bool auto_precision) {
  RunConfig asked = run.config;
  if (auto_precision) asked.train.precision = "auto";
  const auto earlier = find_earlier_sweep(paths, record_of(asked, cells.keys, run.dataset->hash));
  report_rows(run.config, *run.dataset);
  return {.precision = earlier ? earlier->precision : run.config.train.precision,
          .plan = choose_plan(run, nullptr),
          .resumed = earlier.has_value()};
}

// Networks that differ between cells have files of their own.
class FilesOf {
 public:
  FilesOf(const Run& base, bool says) : base_(base), says_(says) { files_[key_of(base.config)] = base.files; }

  const std::vector<ModelFiles>& files(const RunConfig& config) {
    const auto [found, is_new] = files_.try_emplace(key_of(config));
    if (!is_new) return found->second;
    found->second = hash_model_files(config);
    for (const std::string& line : check_networks(config, *base_.dataset, found->second))
      if (says_ && said_.insert(line).second) spdlog::warn("{}", line);
    return found->second;
  }

 private:
  // Everything that check_networks depends on.
  static std::string key_of(const RunConfig& config) {
    const Json all = to_json(config);
    return Json{all["models"], config.train.freeze_epochs}.dump();
  }
  const Run& base_;
  bool says_;
  std::set<std::string> said_;
  std::map<std::string, std::vector<ModelFiles>> files_;
};

Trial make_trial(const Run& base, const Cell& cell, const SweepPaths& paths, FilesOf& files) {
  Trial trial{.name = cell.name, .full = base, .brief = {}};
  trial.full.config = cell.config;
  if (cell.config.train.precision == "auto") trial.full.config.train.precision = base.config.train.precision;
  trial.full.files = files.files(trial.full.config);
  trial.brief = trial.full;
  trial.brief.config = brief_config(trial.full.config);
  trial.full.paths = paths.trial(cell.name);
  trial.brief.paths = paths.brief(cell.name);
  return trial;
}

// Finds options that do not fit the data, before anything is trained.
void check_jobs(const Run& run) {
  check_plan(run.config, *run.dataset, run.files);
  plan_fold(run, {0});
}

std::vector<Trial> make_trials(const Run& base, const Cells& cells, const SweepPaths& paths, bool says) {
  FilesOf files(base, says);
  std::vector<Trial> trials;
  std::vector<NamedError> errors;
  for (const Cell& cell : cells.cells) {
    try {
      trials.push_back(make_trial(base, cell, paths, files));
      check_jobs(trials.back().full);
      check_jobs(trials.back().brief);
    } catch (const Error& error) {
      if (error.code() != ExitCode::kUsage && error.code() != ExitCode::kData) throw;
      errors.push_back({cell.name, error.what()});
    }
  }
  if (!errors.empty()) throw UsageError("{}", list_errors(errors, cells.cells.size()));
  return trials;
}

// True if the run's folder holds it already. Throws if the folder holds another config, data, folds or scripts.
bool is_resumed(Run& run, const std::string& folds, bool& extended) {
  if (file_exists(run.paths.round(1)) && file_exists(run.paths.config())) {
    extended = true;
    run.config.rounds = read_fields<RunConfig>(read_config(run.paths.config())).rounds;
  }
  const auto earlier = find_earlier_run(run.paths, run.config, run.dataset->hash);
  if (!earlier) return false;
  check_scripts(run, earlier->record);
  check_labels(run, earlier->record);
  if (!earlier->record.folds.empty() && earlier->record.folds != folds)
    throw DataError("{} was made on other folds; give another folder with --run, or restore the folds",
                    run.paths.root.string());
  return true;
}

void look_into_folders(SweepPlan& plan, const Ranks& world) {
  on_rank_0(world, [&] {
    const std::string folds = sha256(folds_csv(*plan.base().plan));
    for (Trial& trial : plan.trials) {
      bool ignored = false;
      trial.full.resumed = is_resumed(trial.full, folds, trial.extended);
      trial.brief.resumed = is_resumed(trial.brief, folds, ignored);
    }
  });
}

// Every rank makes the cells from its own command line and files.
void agree_on_cells(const SweepPlan& plan, const MpiSession& session) {
  Json all = Json::array();
  for (const Trial& trial : plan.trials) {
    Json files = Json::array();
    for (const ModelFiles& each : trial.full.files) files.push_back({each.script, each.weights});
    all.push_back({trial.name, identity_of(trial.full.config), files});
  }
  agree_on("cells (their values, or the contents of their models' files)", sha256(all.dump()).substr(0, 12), session);
}

void list_jobs(SweepPlan& plan) {
  const int cells = plan.shape.cells;
  if (plan.shape.briefs) {
    for (int cell = 0; cell < cells; ++cell) plan.tasks.push_back({cell, true, 0});
  }
  // A race compares all cells after each fold; a full grid finishes one cell after another.
  for (int i = 0; i < plan.shape.folds * cells; ++i) {
    const int place = plan.shape.race ? i / cells : i % plan.shape.folds;
    plan.tasks.push_back({plan.shape.race ? i % cells : i / plan.shape.folds, false, place});
  }
  for (std::size_t t = 0; t < plan.tasks.size(); ++t) {
    const SweepTask& task = plan.tasks[t];
    const Trial& trial = plan.trial_of(task);
    const std::vector<Unit>& units = trial.full.dataset->targets.units;
    for (std::size_t unit = 0; unit < units.size(); ++unit) {
      for (std::size_t model = 0; model < trial.full.config.models.size(); ++model) {
        const FoldId fold = plan.fold_of(task);
        plan.jobs.push_back({int(t),
                             {int(unit), int(model), fold},
                             fmt::format("{}/{}{}", trial.name, task.brief ? "short/" : "",
                                         job_name(units[unit].name, trial.full.config.models[model].id, fold))});
      }
    }
  }
}

// Cells are compared after short schedules only if each of them has one. A schedule of one epoch cannot be shortened.
bool all_shorter(const std::vector<Trial>& trials) {
  return std::all_of(trials.begin(), trials.end(), [](const Trial& trial) {
    return trial.brief.config.train.epochs < trial.full.config.train.epochs;
  });
}

void log_plan(const SweepPlan& plan) {
  std::set<std::string> lines;
  for (const Trial& trial : plan.trials) {
    for (const std::string& line : idle_options(trial.full.config)) lines.insert(line);
    for (const std::string& line : shifts_too_far(trial.full.config, plan.base().dataset->crops.shape()))
      lines.insert(line);
  }
  for (const std::string& line : lines) spdlog::warn("{}", line);
  if (plan.rounds.count > 1)
    spdlog::info("a sweep compares first rounds; best.yaml has the config's {} rounds", plan.rounds.count);
  if (plan.shape.race && plan.shape.cells > 2 && !plan.shape.briefs)
    spdlog::info(
        "a cell has too few epochs (train.epochs) for a shorter schedule, so all cells are trained fully on the "
        "first fold");
}

}  // namespace

const Run& SweepPlan::run_of(const SweepJob& job) const {
  const SweepTask& task = tasks[std::size_t(job.task)];
  return trial_of(task).run_of(task);
}

PlannedJob SweepPlan::planned(const SweepJob& job) const {
  const Run& run = run_of(job);
  return plan_job(run.dataset->taught, run.config, *run.dataset, *run.plan, run.files, job.place);
}

fs::path SweepPlan::folder_of(const SweepJob& job) const {
  const Run& run = run_of(job);
  return run.paths.fold(0, run.dataset->targets.units[std::size_t(job.place.unit)].name,
                        run.config.models[std::size_t(job.place.model)].id, job.place.fold);
}

std::vector<PlannedJob> plan_fold(const Run& run, FoldId fold) {
  std::vector<PlannedJob> jobs;
  for (int unit = 0; unit < static_cast<int>(run.dataset->targets.units.size()); ++unit) {
    for (int model = 0; model < static_cast<int>(run.config.models.size()); ++model)
      jobs.push_back(
          plan_job(run.dataset->taught, run.config, *run.dataset, *run.plan, run.files, {unit, model, fold}));
  }
  return jobs;
}

std::vector<int> draw_fold_order(const FoldPlan& plan, std::uint64_t seed) {
  std::vector<int> order;
  for (int repeat = 0; repeat < plan.repeats; ++repeat) {
    std::vector<int> folds;
    for (int fold = 0; fold < plan.k; ++fold) folds.push_back(repeat * plan.k + fold);
    RandomStream random({.seed = seed, .purpose = Purpose::kSweepFolds, .fold = static_cast<std::uint32_t>(repeat)});
    shuffle(folds, random);
    order.insert(order.end(), folds.begin(), folds.end());
  }
  return order;
}

SweepPlan plan_sweep(const SweepRequest& request, const MpiSession& session) {
  const Ranks world = session.ranks();
  SweepPlan plan{.command = request.train.command, .collect = request.collect};
  together(world, [&] {
    const ConfigNode tree = load_config_tree(request.train.config, request.train.assignments);
    const RunConfig config = config_of(tree);
    if (config.train.labels.automatic())
      throw UsageError("a sweep trains no judges, which train.labels: auto needs; leave it out of the sweep");
    if (config.folds.trunks != Auto<double>{0.0})
      throw UsageError("a sweep trains no trunks; leave folds.trunks out of the sweep");
    if (request.collect && config.sweep.keep == "scores")
      throw UsageError("--collect joins networks, but sweep.keep: scores keeps none; set sweep.keep to best or all");
    plan.cells = make_cells(tree, read_cells(request, config));
  });
  TrainRequest train = request.train;
  if (train.run.empty()) train.run = fs::path("runs") / (train.config.stem().string() + "_sweep");
  plan.paths = {train.run};
  const Run base = set_up_run(train, session, [&](const Run& run, bool auto_precision) {
    return freeze_sweep(run, plan.paths, plan.cells, auto_precision);
  });
  together(world, [&] { plan.trials = make_trials(base, plan.cells, plan.paths, session.rank() == 0); });
  agree_on_cells(plan, session);
  look_into_folders(plan, world);
  plan.rounds = base.config.rounds;
  plan.record = record_of(base.config, plan.cells.keys, base.dataset->hash);
  plan.shape = {.cells = static_cast<int>(plan.trials.size()),
                .folds = base.plan->folds(),
                .race = base.config.sweep.strategy == "race"};
  plan.shape.briefs = plan.shape.race && plan.shape.cells > 2 && all_shorter(plan.trials);
  plan.fold_order = draw_fold_order(*base.plan, std::uint64_t(base.config.seed));
  list_jobs(plan);
  if (session.rank() == 0) log_plan(plan);
  return plan;
}

void choose_conv_plans(SweepPlan& plan, const MpiSession& session) {
  const auto chosen = broadcast<std::string>(session.ranks(), [&] {
    std::map<std::string, ConvPlans> known;  // by everything that a measured plan depends on
    Json all = Json::array();
    for (const Trial& trial : plan.trials) {
      const Run& run = trial.full;
      const Json config = to_json(run.config);
      const std::string kind = Json{config["models"], config["train"]["batch"], config["train"]["micro_batches"],
                                    config["train"]["progressive"], config["train"]["precision"]}
                                   .dump();
      ConvPlans before = read_conv_plans(run.paths);
      if (before.empty()) {
        if (!known.contains(kind)) {
          known[kind] =
              choose_conv_plans(run.config, plan_fold(run, {0}), run.dataset->crops.shape(), run.place.device, {});
        }
        before = known[kind];
      }
      all.push_back(to_json(before));
    }
    return all.dump();
  });
  const Json all = parse_json(chosen);
  for (std::size_t t = 0; t < plan.trials.size(); ++t) {
    plan.trials[t].full.conv_plans = plans_from_json(all[t], "the plan of rank 0");
    plan.trials[t].brief.conv_plans = plan.trials[t].full.conv_plans;
  }
}

}  // namespace pleat
