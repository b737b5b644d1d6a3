// Decides which networks a run trains for its targets: one for each target, one for all combinations of classes, or one
// with a head for each target.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/tensor_fwd.h"
#include "run/run_config.h"
#include "target/joint_target.h"
#include "target/target.h"

namespace pleat {

/// The targets of one network.
struct Unit {
  std::string name;          // the folder's name in the round's folder
  std::vector<int> targets;  // indices in TargetPlan::targets, in the order of the network's outputs
};

struct TargetPlan {
  std::vector<Target> targets;       // the configured targets in order, then the joint target, if any
  std::optional<JointTarget> joint;  // describes the last of the targets
  std::vector<Unit> units;

  std::size_t own() const { return targets.size() - (joint ? 1 : 0); }  // number of configured targets
  /// Returns the number of outputs of the unit's network.
  int outputs(const Unit& unit) const;
  /// Returns true if the target is not trained but derived from other targets' predictions.
  bool derived(int target) const;
  /// Computes the undefined entries of `by_target` from the others (derive_probs). No-op without a joint target.
  void derive(std::vector<torch::Tensor>& by_target) const;
};

/// `own`: the configured targets, resolved. Throws UsageError for an impossible joint target (resolve_joint).
TargetPlan plan_targets(const RunConfig& config, std::vector<Target> own);

}  // namespace pleat
