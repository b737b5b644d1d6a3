// Which networks a run trains for its targets: one for each, one for all of their combinations, or one with a head for
// each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rounds/run_config.h"
#include "target/joint_target.h"
#include "target/target.h"

namespace pleat {

/// What one network answers for.
struct Unit {
  std::string name;          // of its folder in the round's
  std::vector<int> targets;  // places in TargetPlan::targets, in the order of its outputs
};

struct TargetPlan {
  std::vector<Target> targets;       // the config's, in its order, then the joint one, if there is one
  std::optional<JointTarget> joint;  // the last of the targets
  std::vector<Unit> units;

  std::size_t own() const { return targets.size() - (joint ? 1 : 0); }  // the config's
  /// Numbers that the unit's network gives.
  int outputs(const Unit& unit) const;
  /// Whether the target is read off others' predictions, and not trained itself.
  bool derived(int target) const;
  /// Undefined entries of probabilities by target, derived from the others (derive_probs), if there is a joint target.
  void derive(std::vector<torch::Tensor>& by_target) const;
};

/// `own`: the config's targets, resolved. Throws UsageError for a joint target that cannot be (resolve_joint).
TargetPlan plan_targets(const RunConfig& config, std::vector<Target> own);

}  // namespace pleat
