#include "merge/merged_json.h"

#include <algorithm>

#include "rounds/ensemble_json.h"

namespace pleat {
namespace {

// The targets that a run trains in order to predict this one.
std::vector<int> trained_for(const TargetPlan& plan, int target) {
  if (!plan.derived(target)) return {target};
  const int joint = static_cast<int>(plan.targets.size()) - 1;
  return target == joint ? plan.joint->of : std::vector<int>{joint};
}

// The networks of one candidate that predict a target.
Json members_of_run(const SourceRun& run, int target, const std::string& model, double weight) {
  const TrainedRun& trained = run.trained;
  const RoundSource source{trained.config, run.dataset, trained.paths, trained.round};
  const std::vector<int> needed = trained_for(trained.targets, target);
  Json members = Json::array();
  for (const Unit& unit : trained.targets.units) {
    if (std::find_first_of(unit.targets.begin(), unit.targets.end(), needed.begin(), needed.end()) ==
        unit.targets.end())
      continue;
    for (Json& network : list_networks(source, run.plan.folds(), unit, model, weight)) {
      network["run"] = trained.name;
      network["unit"] = unit.name;
      network["folder"] = (joined(run).root / network["folder"].get<std::string>()).string();
      members.push_back(network);
    }
  }
  return members;
}

}  // namespace

Json describe_merged(const Sources& sources, const std::vector<GatheredTarget>& targets, const std::string& asked) {
  Json runs = Json::array(), tables = Json::array();
  for (const SourceRun& run : sources.runs)
    runs.push_back({{"name", run.trained.name}, {"folder", joined(run).root.string()}, {"round", run.trained.round}});
  for (const TableSource& source : sources.tables)
    tables.push_back({{"name", source.name}, {"sha256", source.table.sha256}});
  const auto members_of = [&](int target, std::size_t candidate, double weight) {
    for (const SourceRun& run : sources.runs) {
      const auto& models = run.trained.config.models;
      if (candidate < models.size()) return members_of_run(run, target, models[candidate].id, weight);
      candidate -= models.size();
    }
    return Json(Json::array());  // a table has no networks
  };
  const std::vector<std::string> names = candidate_names(sources.runs, sources.tables);
  return {{"runs", runs},
          {"tables", tables},
          {"targets", describe_ensembles(sources.runs.front().trained.targets, targets, asked, names, members_of)}};
}

}  // namespace pleat
