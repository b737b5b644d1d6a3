#include "rounds/run_setup.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/build_info.h"
#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "rounds/plan_warnings.h"
#include "rounds/promise.h"
#include "rounds/shared_value.h"
#include "train/predictor.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

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

// A plan that was made without groups, or with others, must not put one of the table's groups on two sides of a fold.
void check_groups(const Run& run, const FoldPlan& plan, const std::string& file) {
  const std::string& name = run.config.data.group;
  if (name.empty()) return;
  const std::vector<std::int64_t> rows = rows_of_plan(run.dataset, plan);
  const auto& groups = run.dataset.crops.table().column(name);
  for (std::size_t repeat = 0; repeat < plan.fold_of.size(); ++repeat) {
    std::unordered_map<std::string_view, std::size_t> first_of;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::string& group = groups[std::size_t(rows[i])];
      const std::size_t first = first_of.emplace(group, i).first->second;
      const int fold = plan.fold_of[repeat][i], other = plan.fold_of[repeat][first];
      if (fold == other) continue;
      throw DataError(
          "{} puts the rows '{}' and '{}' of {} '{}' into folds {} and {} (repeat {}), but data.group: {} wants them "
          "on one side; make the plan anew with data.group (leave folds.file out), or leave data.group out",
          file, plan.ids[first], plan.ids[i], name, group, other, fold, repeat, name);
    }
  }
}

void check_size(const Run& run, const FoldPlan& plan, const std::string& file) {
  const FoldConfig& folds = run.config.folds;
  if (plan.k == folds.k && plan.repeats == folds.repeats) return;
  throw UsageError("{} has {} folds x {} repeats, but the config says folds.k: {} and folds.repeats: {}", file, plan.k,
                   plan.repeats, folds.k, folds.repeats);
}

FoldPlan read_plan(const Run& run, const std::string& file) {
  const FoldPlan read = read_folds(file);
  const FoldPlan plan = in_crop_order(read, rows_of_plan(run.dataset, read));
  check_size(run, plan, file);
  check_groups(run, plan, file);
  return plan;
}

// Null for a new run; a damaged one has been refused by then.
Json earlier_facts(const RunPaths& paths, bool continued) {
  return continued ? Json::parse(read_file(paths.run()), nullptr, /*allow_exceptions=*/false) : Json();
}

// A plan that was edited would train every job anew, over the results of the plan as it was.
void check_frozen(const Run& run, const FoldPlan& frozen) {
  const Json facts = earlier_facts(run.paths, true);
  const std::string before = facts.is_object() ? facts.value("folds", "") : "";
  if (before.empty() || before == sha256(folds_csv(frozen))) return;
  throw DataError(
      "{} is not the plan that this run was made with; put that back (or delete the file: the plan is then made as it "
      "was), or give another folder with --run",
      run.paths.folds().string());
}

// The run folder's frozen plan, the user's, or a new one.
FoldPlan choose_plan(const Run& run, bool continued) {
  const std::string& given = run.config.folds.file;
  if (!continued || !file_exists(run.paths.folds()))
    return given.empty() ? make_folds(fold_request(run.config, run.dataset)) : read_plan(run, given);
  const FoldPlan frozen = read_plan(run, run.paths.folds().string());
  check_frozen(run, frozen);
  if (!given.empty() && folds_csv(read_plan(run, given)) != folds_csv(frozen)) {
    throw UsageError("folds.file {} is not the plan that {} was made with; give another folder with --run", given,
                     run.paths.root.string());
  }
  return frozen;
}

bool trains_head(const Classifier& network) {
  const std::vector<std::string> head = network.head_parameters();
  const NamedTensors trained = trained_parameters(network);
  return std::any_of(trained.begin(), trained.end(), [&](const auto& parameter) {
    return std::find(head.begin(), head.end(), parameter.first) != head.end();
  });
}

// A file that does not fit must be known before hours of training.
void check_networks(const RunConfig& config, const Dataset& dataset) {
  for (const ModelConfig& model : config.models) {
    const bool freezes = config.train.freeze_epochs > 0;
    if (model.script.empty() && model.weights.empty() && !freezes) continue;
    for (const Unit& unit : dataset.targets.units) {
      const auto network =
          make_classifier(model, classifier_shape(dataset.crops.shape(), dataset.targets.outputs(unit)), {});
      if (!freezes || trains_head(*network)) continue;
      throw UsageError(
          "model {}: its script does not say which is its last layer, or that layer does not train, so "
          "train.freeze_epochs ({}) cannot freeze the others; leave freeze_epochs out, or make the script with "
          "launch/export_model.py",
          model.id, config.train.freeze_epochs);
    }
  }
}

// SHA-256 of each scripted model's network, by the model's id.
Json script_hashes(const RunConfig& config, const std::vector<ModelFiles>& files) {
  Json hashes = Json::object();
  for (std::size_t m = 0; m < files.size(); ++m) {
    if (!files[m].script.empty()) hashes[config.models[m].id] = files[m].script;
  }
  return hashes;
}

// Another network under the same name would train every job anew, over the results of the one before.
void check_scripts(const Run& run) {
  const Json facts = earlier_facts(run.paths, true), hashes = script_hashes(run.config, run.files);
  if (!facts.is_object() || !facts.contains("scripts")) return;
  for (const auto& [id, hash] : hashes.items()) {
    if (facts["scripts"].value(id, "") == hash) continue;
    throw UsageError(
        "the script of model {} is not the one that {} was made with (that is in {}); put it back, or give another "
        "folder with --run",
        id, run.paths.root.string(), run.paths.script(id).string());
  }
}

// So that the folder stands alone: pleat predict needs nothing else.
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
          {"folds", sha256(folds_csv(run.plan))},
          {"scripts", script_hashes(run.config, run.files)},
          {"norm", {{"mean", run.dataset.norm.mean}, {"std", run.dataset.norm.std}}},
          {"targets",
           [&] {
             Json targets = Json::array();
             for (std::size_t t = 0; t < run.dataset.targets.own(); ++t) {
               const Target& target = run.dataset.targets.targets[t];
               targets.push_back({{"name", target.name}, {"column", target.column}, {"classes", target.classes}});
             }
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
          {"computed_by", to_json(computed_by(run))},
          {"promise", run.promise}};
}

// Only once the config and its data are found to go together: a mistake there leaves no folder behind.
std::unique_ptr<RunFolder> take_folder(const Run& run, bool continued) {
  RunConfig config = run.config;
  auto folder = std::make_unique<RunFolder>(run.paths, config, run.dataset.hash);
  if (folder->continued() == continued) return folder;
  throw UsageError("{} was changed by another run just now; give another folder with --run, or the same command again",
                   run.paths.root.string());
}

// Rank 0's choice for all, and what may be promised with it.
void choose_how_to_convolve(Run& run, const Ranks& world, bool continued, bool dry_run) {
  const std::string chosen = from_rank_0(world, [&] {
    if (!dry_run) {
      run.conv_plans = choose_conv_plans(run.config, run.jobs, run.dataset.crops.shape(), run.place.device,
                                         read_conv_plans(run.paths));
    }
    run.promise = promise(run.config, computed_by(run), earlier_facts(run.paths, continued));
    return to_json(run.conv_plans).dump();
  });
  run.conv_plans = plans_from_json(Json::parse(chosen), "the plan of rank 0");
}

}  // namespace

Run set_up_run(const TrainRequest& request, const MpiSession& session, std::unique_ptr<RunFolder>& folder) {
  const Ranks world = session.ranks();
  RunConfig config;
  together(world, [&] { config = load_run_config(request.config, request.assignments); });
  const bool auto_precision = config.train.precision == "auto";
  agree_on_config(config, session);
  ComputePlace place = choose_place(config, session);
  std::optional<Dataset> dataset;
  std::vector<ModelFiles> files;
  together(world, [&] {
    dataset.emplace(open_dataset(config));
    files = hash_model_files(config);
  });
  agree_on_data(dataset->hash, session);
  agree_on_model_files(config, files, session);
  together(world, [&] { check_networks(config, *dataset); });
  Run run{.config = config,
          .paths = {request.run.empty() ? fs::path("runs") / request.config.stem() : request.run},
          .host = session.hosts()[std::size_t(session.rank())],
          .place = place,
          .dataset = std::move(*dataset),
          .files = std::move(files)};

  const std::string decided = from_rank_0(world, [&] {
    if (auto_precision) config.train.precision = "auto";  // an earlier run's choice, if there is one, comes first
    const bool continued = continues_run(run.paths, config, run.dataset.hash);
    if (config.train.precision == "auto") config.train.precision = run.config.train.precision;
    if (continued) check_scripts(run);
    report_rows(run.config, run.dataset);
    const FoldPlan plan = choose_plan(run, continued);
    return Json{{"precision", config.train.precision}, {"plan", plan_to_text(plan)}, {"continued", continued}}.dump();
  });
  const Json values = Json::parse(decided);
  run.config.train.precision = values["precision"];
  run.plan = plan_from_text(values["plan"]);
  together(world, [&] {
    run.dataset.train = rows_of_plan(run.dataset, run.plan);
    run.dataset.norm = choose_norm(run.config, run.dataset);
    run.jobs = plan_jobs(run.config, run.dataset, run.plan, run.files);
    if (session.rank() != 0) return;
    for (const std::string& line : idle_options(run.config)) spdlog::warn("{}", line);
    for (const std::string& line : classes_without_a_chance(run.dataset, run.jobs)) spdlog::warn("{}", line);
    if (!request.dry_run) folder = take_folder(run, values["continued"]);
  });
  choose_how_to_convolve(run, world, values["continued"], request.dry_run);
  return run;
}

void record_run(const Run& run, const RunFolder& folder, const MpiSession& session) {
  if (!run.conv_plans.empty()) write_file(run.paths.conv_plan(), to_json(run.conv_plans).dump(1) + "\n");
  folder.record(run.config, run_facts(run, session));
  write_file(run.paths.folds(), folds_csv(run.plan));
  copy_scripts(run);
}

}  // namespace pleat
