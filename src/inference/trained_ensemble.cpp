#include "inference/trained_ensemble.h"

#include <map>

#include "base/error.h"
#include "base/files.h"
#include "base/wording.h"
#include "run/job_plan.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

void require_finished(const RunPaths& paths) {
  if (file_exists(paths.failures())) {
    throw DataError(
        "the run in {} has failed jobs, so it has no whole ensemble (see {}); run pleat train to its end first",
        paths.root.string(), paths.failures().string());
  }
  if (!file_exists(paths.ensemble(kResultRound))) {
    throw DataError("{} holds no finished run ({} is missing); run pleat train to its end first", paths.root.string(),
                    paths.ensemble(kResultRound).string());
  }
}

// The run's copy of a scripted model's network.
std::string script_of(const RunPaths& paths, const std::string& model, const RunRecord& record) {
  const std::string file = paths.script(model).string();
  const auto recorded = record.scripts.find(model);
  if (recorded == record.scripts.end() || sha256(read_file(file)) != recorded->second)
    throw DataError("{} was changed after it was written", file);
  return file;
}

// The config's targets with the classes found in the run's data.
std::vector<Target> recorded_targets(const RunConfig& config, const RunRecord& record) {
  std::vector<Target> targets;
  for (std::size_t t = 0; t < config.targets.size(); ++t) {
    const TargetConfig& given = config.targets[t];
    const RunRecord::RecordedTarget& recorded = record.targets.at(t);
    targets.push_back({.name = recorded.name,
                       .column = recorded.column,
                       .classes = recorded.classes,
                       .edges = given.edges,
                       .train_edges = given.train_edges,
                       .bins = static_cast<int>(given.bins),
                       .bin_spread = given.bin_spread,
                       .regress = given.regress,
                       .weight = given.weight});
  }
  return targets;
}

}  // namespace

TrainedEnsemble read_ensemble(const RunPaths& paths) {
  require_finished(paths);
  TrainedEnsemble ensemble{.config = read_fields<RunConfig>(read_config(paths.config()))};
  if (ensemble.config.cluster.fast_conv) ensemble.conv_plans = read_conv_plans(paths);
  const RunRecord& record = ensemble.record = read_run_record(paths);
  if (record.targets.size() != ensemble.config.targets.size()) {
    throw DataError("{} has {} and {} has {}; restore the files, or train in another folder with --run",
                    paths.config().string(), counted(std::int64_t(ensemble.config.targets.size()), "target"),
                    paths.run().string(), record.targets.size());
  }
  try {
    const Json described = parse_json(read_file(paths.ensemble(kResultRound)));
    ensemble.other_plans = record.computed_by.conv_plan != hash_of(ensemble.conv_plans);
    ensemble.targets = plan_targets(ensemble.config, recorded_targets(ensemble.config, record));
    std::map<std::string, ModelConfig> models;
    for (ModelConfig& model : ensemble.config.models) {
      model.weights.clear();  // the trained weights replace them
      if (!model.script.empty()) model.script = script_of(paths, model.id, record);
      models[model.id] = model;
    }
    for (std::size_t u = 0; u < ensemble.targets.units.size(); ++u) {
      const Unit& unit = ensemble.targets.units[u];
      const std::string& first = ensemble.targets.targets[std::size_t(unit.targets.front())].name;
      for (const auto& member : described.at("targets").at(first).at("members")) {
        Member& added = ensemble.members.emplace_back(
            Member{int(u), models.at(member.at("model")), paths.root / member.at("folder").get<std::string>()});
        added.job = job_name(unit.name, added.model.id, {member.at("fold").get<int>()});
      }
    }
  } catch (const std::exception& error) {
    throw DataError(
        "the run in {} is damaged ({}); run pleat train again in that folder, and if it refuses, in another",
        paths.root.string(), error.what());
  }
  return ensemble;
}

}  // namespace pleat
