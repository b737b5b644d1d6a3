#include "inference/trained_ensemble.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/error.h"
#include "base/files.h"
#include "base/wording.h"
#include "run/job_plan.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// The round that is the run's result, and whether a job of it has failed. Until there were rounds, summary.json named
// none.
struct ResultRound {
  int index = 0;
  bool failed = false;
};

ResultRound result_round(const RunPaths& paths) {
  ResultRound round{.failed = file_exists(paths.failures())};
  if (!file_exists(paths.summary())) return round;
  const Json summary = parse_json_or_null(read_file(paths.summary()));
  if (!summary.is_object() || !summary.contains("result_round")) return round;
  round.index = summary["result_round"];
  round.failed = round.failed && summary.at("rounds").at(std::size_t(round.index)).value("failed", 1) > 0;
  return round;
}

void require_finished(const RunPaths& paths, const ResultRound& round) {
  if (round.failed) {
    throw DataError(
        "the run in {} has failed jobs, so it has no whole ensemble (see {}); run pleat train to its end first",
        paths.root.string(), paths.failures().string());
  }
  if (!file_exists(paths.ensemble(round.index))) {
    throw DataError("{} holds no finished run ({} is missing); run pleat train to its end first", paths.root.string(),
                    paths.ensemble(round.index).string());
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

// Until ensembles were chosen, ensemble.json had members of equal weights and no weights of models.
Blend read_blend(const Json& described, const std::vector<ModelConfig>& models, const Target& target) {
  if (!described.contains("members")) return {};
  const auto count = models.size();
  if (!described.contains("weights")) return {"mean", std::vector<double>(count, 1.0 / double(count)), {}};
  for (std::size_t m = 0; m < count; ++m) {
    if (described.at("models").at(m) != models[m].id) throw DataError("its ensemble has other models than its config");
  }
  return blend_from_json(described, count, target.size(), target.name);
}

// The members of a unit, each once: targets of one network share them.
void add_members(const RunPaths& paths, const Json& targets, int unit, TrainedEnsemble& ensemble) {
  const Unit& described = ensemble.targets.units[std::size_t(unit)];
  std::map<std::tuple<int, int, int>, Member> members;  // by candidate, fold and part
  for (const int target : described.targets) {
    for (const Json& member : targets.at(ensemble.targets.targets[std::size_t(target)].name).at("members")) {
      const auto& models = ensemble.config.models;
      const auto model = std::find_if(models.begin(), models.end(),
                                      [&](const ModelConfig& each) { return each.id == member.at("model"); });
      if (model == models.end()) throw DataError("its ensemble has the unknown model {}", member.at("model").dump());
      const int candidate = static_cast<int>(model - models.begin()), fold = member.at("fold");
      const int part = member.value("part", -1);
      members[{candidate, fold, part}] = {unit, candidate, *model, paths.root / member.at("folder").get<std::string>(),
                                          job_name(described.name, model->id, {fold}, ensemble.round, part)};
    }
  }
  for (auto& [place, member] : members) ensemble.members.push_back(std::move(member));
}

}  // namespace

TrainedEnsemble read_ensemble(const RunPaths& paths) {
  ResultRound round;
  try {
    round = result_round(paths);
  } catch (const Json::exception& error) {
    throw DataError("{} is damaged ({}); run pleat train again in that folder", paths.summary().string(), error.what());
  }
  require_finished(paths, round);
  TrainedEnsemble ensemble{.round = round.index, .config = read_fields<RunConfig>(read_config(paths.config()))};
  if (ensemble.config.cluster.fast_conv) ensemble.conv_plans = read_conv_plans(paths);
  const RunRecord& record = ensemble.record = read_run_record(paths);
  if (record.targets.size() != ensemble.config.targets.size()) {
    throw DataError("{} has {} and {} has {}; restore the files, or train in another folder with --run",
                    paths.config().string(), counted(std::int64_t(ensemble.config.targets.size()), "target"),
                    paths.run().string(), record.targets.size());
  }
  try {
    const Json described = parse_json(read_file(paths.ensemble(ensemble.round)));
    ensemble.other_plans = record.computed_by.conv_plan != hash_of(ensemble.conv_plans);
    ensemble.targets = plan_targets(ensemble.config, recorded_targets(ensemble.config, record));
    const Json& targets = described.at("targets");
    for (const Target& target : ensemble.targets.targets)
      ensemble.blends.push_back(read_blend(targets.at(target.name), ensemble.config.models, target));
    for (ModelConfig& model : ensemble.config.models) {
      model.weights.clear();  // the trained weights replace them
      if (!model.script.empty()) model.script = script_of(paths, model.id, record);
    }
    for (std::size_t u = 0; u < ensemble.targets.units.size(); ++u)
      add_members(paths, targets, static_cast<int>(u), ensemble);
  } catch (const std::exception& error) {
    throw DataError(
        "the run in {} is damaged ({}); run pleat train again in that folder, and if it refuses, in another",
        paths.root.string(), error.what());
  }
  return ensemble;
}

}  // namespace pleat
