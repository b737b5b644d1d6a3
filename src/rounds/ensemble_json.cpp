#include "rounds/ensemble_json.h"

#include <algorithm>

namespace pleat {
namespace {

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

Json list_networks(const RoundSource& source, int folds, const Unit& unit, const std::string& model, double weight) {
  Json networks = Json::array();
  const std::vector<int> parts = parts_of(source.config, source.round);
  const double share = weight / (static_cast<double>(folds) * static_cast<double>(parts.size()));
  for (int fold = 0; fold < folds; ++fold) {
    for (const int part : parts) {
      const auto folder = source.paths.fold(source.round, unit.name, model, {fold}, part);
      Json& network = networks.emplace_back(Json{{"model", model},
                                                 {"fold", fold},
                                                 {"weight", share},
                                                 {"folder", folder.lexically_relative(source.paths.root).string()}});
      if (part >= 0) network["part"] = part;
    }
  }
  return networks;
}

Json describe_ensembles(const TargetPlan& plan, const std::vector<GatheredTarget>& targets, const std::string& asked,
                        const std::vector<std::string>& candidates, const MembersOf& members_of) {
  Json all = Json::object();
  for (const GatheredTarget& gathered : targets) {
    Json& described = all[gathered.oof.target];
    const Blend& blend = gathered.selection.blend;
    if (blend.method.empty()) {
      described = derivation(plan, gathered.target);
    } else {
      described = to_json(blend);
      described["of"] = "softmax probabilities";
      described["asked"] = asked;
      described["models"] = candidates;
      described["methods"] = describe_scores(gathered.selection);
      described["members"] = Json::array();
      for (std::size_t m = 0; m < candidates.size(); ++m) {
        if (!blend.uses(m)) continue;
        for (Json& member : members_of(gathered.target, m, blend.weights[m])) described["members"].push_back(member);
      }
    }
    described["classes"] = gathered.oof.classes;
  }
  return all;
}

Json describe_ensemble(const RoundSource& source, const FoldPlan& plan, const std::vector<GatheredTarget>& targets) {
  const TargetPlan& planned = source.dataset.targets;
  std::vector<std::string> models;
  for (const ModelConfig& model : source.config.models) models.push_back(model.id);
  const auto members_of = [&](int target, std::size_t model, double weight) {
    return list_networks(source, plan.folds(), unit_of(planned, target), models[model], weight);
  };
  return {{"targets", describe_ensembles(planned, targets, source.config.ensemble, models, members_of)}};
}

}  // namespace pleat
