#include "run/target_plan.h"

#include <algorithm>
#include <numeric>

namespace pleat {
namespace {

std::vector<Unit> plan_units(const RunConfig& config, const TargetPlan& plan) {
  const int own = static_cast<int>(plan.own());
  if (config.targets_as == "joint") return {{plan.targets.back().name, {own}}};
  if (config.targets_as == "heads") {
    Unit unit{.name = "heads", .targets = std::vector<int>(std::size_t(own))};
    std::iota(unit.targets.begin(), unit.targets.end(), 0);
    return {unit};
  }
  std::vector<Unit> units;
  for (int t = 0; t < own; ++t) units.push_back({plan.targets[std::size_t(t)].name, {t}});
  return units;
}

}  // namespace

int TargetPlan::outputs(const Unit& unit) const {
  int sum = 0;
  for (const int target : unit.targets) sum += targets[std::size_t(target)].outputs();
  return sum;
}

bool TargetPlan::derived(int target) const {
  return std::none_of(units.begin(), units.end(), [&](const Unit& unit) {
    return std::find(unit.targets.begin(), unit.targets.end(), target) != unit.targets.end();
  });
}

void TargetPlan::derive(std::vector<torch::Tensor>& by_target) const {
  if (joint) derive_probs(*joint, by_target);
}

TargetPlan plan_targets(const RunConfig& config, std::vector<Target> own) {
  TargetPlan plan{.targets = std::move(own)};
  if (config.targets_as == "joint" || !config.joint.name.empty()) {
    plan.joint = resolve_joint(config.joint, plan.targets);
    plan.targets.push_back(plan.joint->target);
  }
  plan.units = plan_units(config, plan);
  return plan;
}

}  // namespace pleat
