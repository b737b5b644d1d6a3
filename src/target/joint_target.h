// Combines targets into one with a class for each combination (mask x gender x age, say); the first varies slowest.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "base/tensor_fwd.h"
#include "target/target.h"

namespace pleat {

struct JointConfig {
  std::string name;
  std::vector<std::string> of;
  static constexpr auto fields() {
    return std::tuple{
        field("name", &JointConfig::name, any(), identity,
              "name of a further target that combines others, with a class for each combination; it has its own "
              "out-of-fold table and scores; empty: no such target; with targets_as: joint it is then named joint"),
        field("of", &JointConfig::of, any(), identity,
              "names of the targets to combine; in the order of classes the first varies slowest; empty: all")};
  }
};

struct JointTarget {
  Target target;           // its classes are the components' joined by '/'
  std::vector<int> of;     // the components, as places in the list of targets
  std::vector<int> sizes;  // numbers of classes of the components
};

/// Throws: UsageError for a name in `of` that is unknown or appears twice, a single component, or more than 10,000
/// classes. Throws: DataError for two combinations with one name, which a '/' in a class can cause.
JointTarget resolve_joint(const JointConfig& config, const std::vector<Target>& targets);

/// `codes[i]`: class of component i, or -1 for none. Returns the joint class, or -1 if a component has none.
int joint_class(const JointTarget& joint, const std::vector<std::int64_t>& codes);

/// Returns the product of the components' probabilities for each combination, [N, classes] float64. components[i]: [N,
/// sizes[i]].
torch::Tensor product_probs(const JointTarget& joint, const std::vector<torch::Tensor>& components);

/// Returns the component's probabilities, summed over all other components, [N, sizes[component]] float64. probs: [N,
/// classes].
torch::Tensor marginal_probs(const JointTarget& joint, const torch::Tensor& probs, std::size_t component);

/// Derives undefined probabilities: the joint target's as the product of its components, or the components' as its
/// marginals.
///   by_target: in the targets' order, the joint target last; stays undefined if it cannot be derived
void derive_probs(const JointTarget& joint, std::vector<torch::Tensor>& by_target);

}  // namespace pleat
