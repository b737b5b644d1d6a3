#include "rounds/trained_ensemble.h"

#include <map>

#include "base/error.h"
#include "base/files.h"
#include "rounds/job_plan.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

void require_finished(const RunPaths& paths) {
  if (file_exists(paths.failures())) {
    throw DataError(
        "the run in {} has failed jobs, so it has no whole ensemble (see {}); run pleat train to its end first",
        paths.root.string(), paths.failures().string());
  }
  if (!file_exists(paths.ensemble())) {
    throw DataError("{} holds no finished run ({} is missing); run pleat train to its end first", paths.root.string(),
                    paths.ensemble().string());
  }
}

// The run's copy of a scripted model's network.
std::string script_of(const RunPaths& paths, const std::string& model, const Json& run) {
  const std::string file = paths.script(model).string();
  if (sha256(read_file(file)) != run.at("scripts").at(model))
    throw DataError("{} was changed after it was written", file);
  return file;
}

// The config's targets with the classes that the run's data gave them.
std::vector<Target> read_targets(const RunConfig& config, const Json& run) {
  std::vector<Target> targets;
  for (std::size_t t = 0; t < config.targets.size(); ++t) {
    const TargetConfig& given = config.targets[t];
    const Json& target = run.at("targets").at(t);
    targets.push_back({.name = target.at("name"),
                       .column = target.at("column"),
                       .classes = target.at("classes"),
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
  try {
    const Json run = Json::parse(read_file(paths.run())), described = Json::parse(read_file(paths.ensemble()));
    ensemble.other_plans = run.at("computed_by").value("conv_plan", "") != hash_of(ensemble.conv_plans);
    ensemble.norm = {run.at("norm").at("mean"), run.at("norm").at("std")};
    ensemble.targets = plan_targets(ensemble.config, read_targets(ensemble.config, run));
    std::map<std::string, ModelConfig> models;
    for (ModelConfig& model : ensemble.config.models) {
      model.weights.clear();  // what it started from does not matter any more
      if (!model.script.empty()) model.script = script_of(paths, model.id, run);
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
