#include "rounds/ensemble_json.h"

#include <algorithm>

namespace pleat {
namespace {

// The folds of all models that the blend uses.
Json members_of(const Unit& unit, const Blend& blend, const RunConfig& config, const FoldPlan& plan,
                const RunPaths& paths, int round) {
  Json members = Json::array();
  const std::vector<int> parts = parts_of(config, round);
  for (std::size_t m = 0; m < config.models.size(); ++m) {
    if (!blend.uses(m)) continue;
    const std::string& model = config.models[m].id;
    for (int fold = 0; fold < plan.folds(); ++fold) {
      for (const int part : parts) {
        const auto folder = paths.fold(round, unit.name, model, {fold}, part).lexically_relative(paths.root);
        const auto networks = static_cast<double>(plan.folds()) * static_cast<double>(parts.size());
        Json& member = members.emplace_back(Json{
            {"model", model}, {"fold", fold}, {"weight", blend.weights[m] / networks}, {"folder", folder.string()}});
        if (part >= 0) member["part"] = part;
      }
    }
  }
  return members;
}

// The method and sources of a derived target.
Json derivation(const TargetPlan& plan, int target) {
  if (target + 1 < static_cast<int>(plan.targets.size()))
    return {{"method", "sum"}, {"of", {plan.targets.back().name}}};
  Json components = Json::array();
  for (const int component : plan.joint->of) components.push_back(plan.targets[std::size_t(component)].name);
  return {{"method", "product"}, {"of", components}};
}

const Unit& unit_of(const TargetPlan& plan, int target) {
  return *std::find_if(plan.units.begin(), plan.units.end(), [target](const Unit& unit) {
    return std::find(unit.targets.begin(), unit.targets.end(), target) != unit.targets.end();
  });
}

Json describe_scores(const Selection& selection) {
  Json methods = Json::object();
  for (const MethodScores& tried : selection.tried)
    methods[tried.method] = {{"in_sample", to_json(tried.in_sample)}, {"cross_fitted", to_json(tried.cross_fitted)}};
  return methods;
}

}  // namespace

Json describe_ensemble(const RunConfig& config, const Dataset& dataset, const FoldPlan& plan,
                       const std::vector<GatheredTarget>& targets, const RunPaths& paths, int round) {
  Json all = Json::object();
  for (const GatheredTarget& gathered : targets) {
    Json& described = all[gathered.oof.target];
    if (dataset.targets.derived(gathered.target)) {
      described = derivation(dataset.targets, gathered.target);
    } else {
      const Blend& blend = gathered.selection.blend;
      described = to_json(blend);
      described["of"] = "softmax probabilities";
      described["asked"] = config.ensemble;
      described["models"] = Json::array();
      for (const ModelConfig& model : config.models) described["models"].push_back(model.id);
      described["methods"] = describe_scores(gathered.selection);
      described["members"] = members_of(unit_of(dataset.targets, gathered.target), blend, config, plan, paths, round);
    }
    described["classes"] = gathered.oof.classes;
  }
  return {{"targets", all}};
}

}  // namespace pleat
