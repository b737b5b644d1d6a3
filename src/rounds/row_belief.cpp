#include "rounds/row_belief.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <optional>

namespace pleat {
namespace {

// The belief by the evidence of the group; none if the config asks for none of this target.
std::optional<Belief> group_belief(const Run& run, std::size_t target, const torch::Tensor& probs,
                                   const LabelRows& label_rows, const KnownLabels& known_labels) {
  const RoundsConfig& rounds = run.config.rounds;
  const std::string& name = run.dataset->targets.targets[target].name;
  const auto label = [&](std::int64_t row) { return known_labels(target, row); };
  const auto groups = static_cast<std::size_t>(label_rows.groups.count());
  if (rounds.constant(name)) {
    std::vector<std::int64_t> known(groups, -1);
    for (const LabelRows::Labelled& each : label_rows.labelled) {
      if (label(each.row) >= 0) known[std::size_t(each.group)] = label(each.row);
    }
    return constant_belief(probs, label_rows.groups, known);
  }
  const auto composition = rounds.composition.find(name);
  if (composition == rounds.composition.end()) return std::nullopt;
  std::vector<std::int64_t> places;
  for (const std::string& each : run.dataset->targets.targets[target].classes) {
    const auto found = composition->second.find(each);
    places.push_back(found == composition->second.end() ? 0 : found->second);
  }
  std::vector<std::vector<std::int64_t>> left(groups, places);
  for (const LabelRows::Labelled& each : label_rows.labelled) {
    if (label(each.row) >= 0) --left[std::size_t(each.group)][std::size_t(label(each.row))];
  }
  return composed_belief(probs, label_rows.groups, left);
}

// A joint target's belief from those of its components: by their group where the config says so, else by the joint
// target's own marginals. None if no component has evidence of its group.
std::optional<Belief> joint_belief(const Run& run, const torch::Tensor& probs, const LabelRows& label_rows,
                                   const KnownLabels& known) {
  const JointTarget& joint = *run.dataset->targets.joint;
  std::vector<torch::Tensor> components;
  std::vector<Belief> beliefs;
  bool any = false;
  for (std::size_t c = 0; c < joint.of.size(); ++c) {
    const torch::Tensor marginal = marginal_probs(joint, probs, c);
    std::optional<Belief> found = group_belief(run, std::size_t(joint.of[c]), marginal, label_rows, known);
    any = any || found.has_value();
    beliefs.push_back(found ? std::move(*found) : own_belief(marginal));
    components.push_back(beliefs.back().probs);
  }
  if (!any) return std::nullopt;
  Belief belief{.probs = product_probs(joint, components).contiguous(),
                .labels = at::zeros({label_rows.count()}, at::kLong),
                .evidence = std::vector<Evidence>(label_rows.rows.size(), Evidence::kOwn)};
  std::vector<std::int64_t> codes(beliefs.size());
  for (std::int64_t row = 0; row < label_rows.count(); ++row) {
    Evidence& strongest = belief.evidence[std::size_t(row)];
    for (std::size_t c = 0; c < beliefs.size(); ++c) {
      codes[c] = beliefs[c].labels.const_data_ptr<std::int64_t>()[row];
      strongest = std::max(strongest, beliefs[c].evidence[std::size_t(row)]);
    }
    belief.labels.data_ptr<std::int64_t>()[row] = joint_class(joint, codes);
  }
  return belief;
}

}  // namespace

std::vector<bool> training_side(const Run& run, FoldId fold) {
  std::vector<bool> inside(run.dataset->crops.rows());
  for (const std::size_t place : trained_on(*run.plan, fold)) inside[std::size_t(run.dataset->train[place])] = true;
  return inside;
}

Belief believe(const Run& run, int target, const torch::Tensor& probs, const LabelRows& label_rows,
               const KnownLabels& known) {
  const bool is_joint = target >= static_cast<int>(run.dataset->targets.own());
  std::optional<Belief> belief = is_joint ? joint_belief(run, probs, label_rows, known)
                                          : group_belief(run, std::size_t(target), probs, label_rows, known);
  return belief ? std::move(*belief) : own_belief(probs);
}

}  // namespace pleat
