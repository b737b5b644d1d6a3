// Several targets as one: a class for each combination of theirs (mask x gender x age, say), the first varying slowest.
#pragma once

#include <torch/types.h>

#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "target/target.h"

namespace pleat {

struct JointConfig {
  std::string name;
  std::vector<std::string> of;
  static constexpr auto fields() {
    return std::tuple{
        field("name", &JointConfig::name, any(), identity,
              "name of a further target that combines others, with a class for each combination of theirs; it has an "
              "out-of-fold table and scores of its own; empty: none, but with targets_as: joint it is called joint"),
        field("of", &JointConfig::of, any(), identity,
              "names of the targets that it combines, the first varies slowest; empty: all")};
  }
};

struct JointTarget {
  Target target;           // its classes are the parts' joined by '/'
  std::vector<int> of;     // the parts, as places in the list of targets
  std::vector<int> sizes;  // their classes
};

/// Throws UsageError for a name in `of` that is no target's, or there twice, and for a single part; for more than
/// 10,000 classes; DataError for two combinations of one name, which classes with a / in them can make.
JointTarget resolve_joint(const JointConfig& config, const std::vector<Target>& targets);

/// `codes[i]`: class of part i, or -1. Returns the joint class, or -1 if one of them has none.
int joint_class(const JointTarget& joint, const std::vector<std::int64_t>& codes);

/// parts[i] [N, sizes[i]]: the product of their probabilities for each combination, [N, classes] float64.
torch::Tensor product_probs(const JointTarget& joint, const std::vector<torch::Tensor>& parts);

/// probs [N, classes]: part i's probabilities, summed over all others, [N, sizes[i]] float64.
torch::Tensor marginal_probs(const JointTarget& joint, const torch::Tensor& probs, std::size_t part);

/// By the targets' places, with the joint one last; undefined ones are derived from the others: the joint one as the
/// product of its parts, or parts as the joint one's marginals. What cannot be derived stays undefined.
void derive_probs(const JointTarget& joint, std::vector<torch::Tensor>& by_target);

}  // namespace pleat
