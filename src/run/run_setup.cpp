#include "run/run_setup.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/build_info.h"
#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/stop_signal.h"
#include "cluster/host.h"
#include "model/script_trial.h"
#include "run/copies.h"
#include "run/frozen_folds.h"
#include "run/label_edits.h"
#include "run/model_norm.h"
#include "run/plan_warnings.h"
#include "run/promise.h"
#include "run/report_rows.h"
#include "run/run_record.h"
#include "run/staged_crops.h"
#include "train/predictor.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

bool trains_head(const Classifier& network) {
  const std::vector<std::string> head = network.head_parameters();
  const NamedTensors trained = trained_parameters(network);
  return std::any_of(trained.begin(), trained.end(), [&](const auto& parameter) {
    return std::find(head.begin(), head.end(), parameter.first) != head.end();
  });
}

// SHA-256 of each scripted model's network, by the model's id.
std::map<std::string, std::string> script_hashes(const RunConfig& config, const std::vector<ModelFiles>& files) {
  std::map<std::string, std::string> hashes;
  for (std::size_t m = 0; m < files.size(); ++m) {
    if (!files[m].script.empty()) hashes[config.models[m].id] = files[m].script;
  }
  return hashes;
}

// Copies make the folder self-contained: pleat predict needs no other file.
void copy_scripts(const Run& run) {
  for (std::size_t m = 0; m < run.files.size(); ++m) {
    if (run.files[m].script.empty()) continue;
    const fs::path copy = run.paths.script(run.config.models[m].id);
    if (file_exists(copy) && sha256(read_file(copy)) == run.files[m].script) continue;
    make_folder(copy.parent_path());
    write_file(copy, read_file(run.config.models[m].script));
  }
}

ComputedBy computed_by(const Run& run) {
  return {.build = build_id(),
          .device = run.place.device_name(),
          .cpu = run.place.cpus,
          .threads = run.place.mine.threads,
          .shards = run.place.layout.shards,
          .conv_plan = hash_of(run.conv_plans)};
}

RunRecord make_record(const Run& run, const MpiSession& session) {
  const CropFile& crops = run.dataset->crops;
  const RankLayout& layout = run.place.layout;
  RunRecord record{.pleat = version(),
                   .build = build_id(),
                   .data = {run.config.data.crops, run.dataset->hash, crops.rows(), crops.shape(), crops.provenance()},
                   .folds = sha256(folds_csv(*run.plan)),
                   .labels = hash_of_labels(run.config.train.labels),
                   .scripts = script_hashes(run.config, run.files),
                   .norm = run.dataset->norm,
                   .layout = {session.size(), layout.slots, layout.shards, session.hosts()},
                   .threads = run.place.mine.threads,
                   .device = run.place.device_name(),
                   .precision = run.config.train.precision,
                   .computed_by = computed_by(run),
                   .promise = run.promise};
  for (std::size_t m = 0; m < run.files.size(); ++m) {
    const PixelNorm norm = norm_of(run.config.models[m], run.files[m], *run.dataset);
    if (norm != record.norm) record.norms[run.config.models[m].id] = norm;
  }
  for (std::size_t t = 0; t < run.dataset->targets.own(); ++t) {
    const Target& target = run.dataset->targets.targets[t];
    record.targets.push_back({target.name, target.column, target.classes});
  }
  return record;
}

// Rank 0's convolution plans, for all ranks.
void choose_how_to_convolve(Run& run, const Round& round, const Ranks& world) {
  const auto chosen = broadcast<std::string>(world, [&] {
    return to_json(choose_conv_plans(run.config, round.jobs, run.dataset->crops.shape(), run.place.device,
                                     read_conv_plans(run.paths)))
        .dump();
  });
  run.conv_plans = plans_from_json(parse_json(chosen), "the plan of rank 0");
}

Frozen freeze_run(const Run& run, bool auto_precision) {
  RunConfig asked = run.config;
  if (auto_precision) asked.train.precision = "auto";
  const auto earlier = find_earlier_run(run.paths, asked, run.dataset->hash);
  if (earlier) check_scripts(run, earlier->record);
  if (earlier) check_labels(run, earlier->record);
  report_rows(run.config, *run.dataset);
  return {.precision = earlier ? earlier->config.train.precision : run.config.train.precision,
          .plan = choose_plan(run, earlier ? &earlier->record : nullptr),
          .resumed = earlier.has_value()};
}

// The part of a run that is the same for one rank alone: config, ranks, data and the models' files.
Run open_run(const TrainRequest& request, RunConfig config, const MpiSession& session,
             std::shared_ptr<Dataset>& dataset) {
  const Ranks world = session.ranks();
  agree_on_config(config, session);
  ComputePlace place = choose_place(config, session);
  std::vector<ModelFiles> files;
  CopySets copies;
  if (config.data.duplicates != "warn") {
    copies = broadcast<CopySets>(world, [&] { return find_copies(CropFile(config.data.crops), usable_cores()); });
  }
  together(world, [&] {
    dataset = std::make_shared<Dataset>(open_dataset(config, copies));
    files = hash_model_files(config);
  });
  agree_on_data(dataset->hash, session);
  agree_on_model_files(config, files, session);
  if (!config.cluster.stage.empty() && !request.dry_run) {
    dataset->crops = stage_crops(dataset->crops, config.cluster.stage, place.mine, world);
    together(world, [&] { place.free = free_memory(); });  // the folder may be a disk in memory
  }
  together(world, [&] {
    for (const std::string& line : check_networks(config, *dataset, files))
      if (session.rank() == 0) spdlog::warn("{}", line);
  });
  return {.config = std::move(config),
          .paths = {request.run.empty() ? fs::path("runs") / request.config.stem() : request.run},
          .host = session.hosts()[std::size_t(session.rank())],
          .place = std::move(place),
          .dataset = dataset,
          .files = std::move(files)};
}

}  // namespace

void check_scripts(const Run& run, const RunRecord& earlier) {
  if (earlier.scripts.empty()) return;
  for (const auto& [id, hash] : script_hashes(run.config, run.files)) {
    const auto before = earlier.scripts.find(id);
    if (before != earlier.scripts.end() && before->second == hash) continue;
    throw UsageError(
        "the script of model {} is not the one that {} was made with (its copy is {}); restore it, or give another "
        "folder with --run",
        id, run.paths.root.string(), run.paths.script(id).string());
  }
}

void check_labels(const Run& run, const RunRecord& earlier) {
  if (earlier.labels == hash_of_labels(run.config.train.labels)) return;
  throw UsageError(
      "train.labels, or the content of its file, is not what {} was made with; restore it, or give another folder with "
      "--run",
      run.paths.root.string());
}

std::vector<std::string> check_networks(const RunConfig& config, const Dataset& dataset,
                                        std::vector<ModelFiles>& files) {
  const StopsAtOnce stops_at_once;  // a script may take for ever
  std::vector<std::string> warnings;
  for (std::size_t m = 0; m < files.size(); ++m) {
    const ModelConfig& model = config.models[m];
    const bool freezes = config.train.freeze_epochs > 0;
    if (model.script.empty() && model.weights.empty() && !freezes) continue;
    for (const Unit& unit : dataset.targets.units) {
      const ClassifierShape shape = classifier_shape(dataset.crops.shape(), dataset.targets.outputs(unit));
      const auto network = make_classifier(model, shape, {});
      const ScriptTrial trial = try_script(*network, model, shape);
      files[m].batch_norm = trial.batch_norm;
      if (&unit == &dataset.targets.units.front())
        warnings.insert(warnings.end(), trial.warnings.begin(), trial.warnings.end());
      if (!freezes || trains_head(*network)) continue;
      throw UsageError(
          "model {}: its script does not name its last layer, or that layer is not trained, so train.freeze_epochs "
          "({}) cannot freeze the other layers; leave freeze_epochs out, or make the script with "
          "launch/export_model.py",
          model.id, config.train.freeze_epochs);
    }
  }
  return warnings;
}

Run set_up_run(const TrainRequest& request, const MpiSession& session) {
  return set_up_run(request, session, freeze_run);
}

Run set_up_run(const TrainRequest& request, const MpiSession& session, const Freeze& freeze) {
  const Ranks world = session.ranks();
  RunConfig config;
  together(world, [&] { config = load_run_config(request.config, request.assignments); });
  const bool auto_precision = config.train.precision == "auto";
  std::shared_ptr<Dataset> dataset;
  Run run = open_run(request, std::move(config), session, dataset);
  auto frozen = broadcast<Frozen>(world, [&] { return freeze(run, auto_precision); });
  run.config.train.precision = frozen.precision;
  run.plan = std::make_shared<FoldPlan>(std::move(frozen.plan));
  run.resumed = frozen.resumed;
  const auto edits = broadcast<std::vector<LabelEdit>>(world, [&] {
    auto read = read_label_edits(run.config.train.labels, *dataset);
    if (!read.empty()) spdlog::info("{}", edits_text(read, *dataset));
    return read;
  });
  together(world, [&] {
    apply_edits(edits, *dataset, dataset->taught);
    dataset->train = rows_of_plan(*dataset, *run.plan);
    dataset->norm = choose_norm(run.config, *dataset);
  });
  return run;
}

Round plan_first_round(const Run& run, const MpiSession& session) {
  Round round;
  together(session.ranks(), [&] {
    round.labels = run.dataset->taught;
    round.jobs = plan_jobs(round.labels, run.config, *run.dataset, *run.plan, run.files);
    if (session.rank() != 0) return;
    for (const std::string& line : idle_options(run.config)) spdlog::warn("{}", line);
    for (const std::string& line : shifts_too_far(run.config, run.dataset->crops.shape())) spdlog::warn("{}", line);
    for (const std::string& line : own_norms(run.config, run.files, *run.dataset)) spdlog::info("{}", line);
    for (const std::string& line : classes_without_a_chance(*run.dataset, round.jobs)) spdlog::warn("{}", line);
  });
  return round;
}

// Called once config and data are known to fit together: a mistake there leaves no folder behind.
std::unique_ptr<RunFolder> take_folder(const Run& run) {
  auto folder = std::make_unique<RunFolder>(run.paths, run.config, run.dataset->hash);
  if (folder->resumed() == run.resumed) return folder;
  throw UsageError("another run has just changed {}; give another folder with --run, or run the same command again",
                   run.paths.root.string());
}

void record_run(Run& run, const RunFolder& folder, const MpiSession& session) {
  const auto earlier = run.resumed ? find_run_record(run.paths) : std::nullopt;
  run.promise = promise(run.config, computed_by(run), earlier ? &*earlier : nullptr);
  if (!run.conv_plans.empty()) write_file(run.paths.conv_plan(), to_json(run.conv_plans).dump(1) + "\n");
  folder.record(run.config, make_record(run, session));
  write_file(run.paths.folds(), folds_csv(*run.plan));
  copy_scripts(run);
}

std::unique_ptr<RunFolder> begin_run(Run& run, const Round& round, const MpiSession& session) {
  std::unique_ptr<RunFolder> folder;
  on_rank_0(session.ranks(), [&] { folder = take_folder(run); });
  choose_how_to_convolve(run, round, session.ranks());
  on_rank_0(session.ranks(), [&] { record_run(run, *folder, session); });
  return folder;
}

}  // namespace pleat
