#include "target/joint_target.h"

#include <ATen/ops/ones.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/utf8.h"
#include "base/wording.h"

namespace pleat {
namespace {

constexpr std::size_t kMostClasses = 10'000;

std::vector<int> parts_of(const JointConfig& config, const std::vector<Target>& targets) {
  std::vector<std::string> names;
  for (const Target& target : targets) names.push_back(target.name);
  std::vector<int> components;
  for (const std::string& name : config.of.empty() ? names : config.of) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      throw UsageError("joint.of names '{}', which is not a target; there are {}", name, fmt::join(names, ", "));
    const int component = static_cast<int>(found - names.begin());
    if (std::find(components.begin(), components.end(), component) != components.end())
      throw UsageError("joint.of names '{}' twice; leave one of them out", name);
    components.push_back(component);
  }
  if (components.size() < 2)
    throw UsageError("joint combines {}; expected two or more", counted(std::int64_t(components.size()), "target"));
  return components;
}

// Tables refer to classes by name, so names must differ. Classes x and y/z give the same name as x/y and z.
void check_distinct(const Target& joint) {
  std::set<std::string> seen;
  for (const std::string& name : joint.classes) {
    if (seen.insert(name).second) continue;
    throw DataError("joint target {}: two combinations of classes are called '{}'; rename a class that has '/' in it",
                    joint.name, shown(name));
  }
}

// Reshapes to [N, a, b, …] with size 1 for all components but `component`, so that components multiply by broadcasting.
torch::Tensor along(const torch::Tensor& probs, std::size_t component, std::size_t components) {
  std::vector<std::int64_t> shape(components + 1, 1);
  shape[0] = probs.size(0);
  shape[component + 1] = probs.size(1);
  return probs.to(at::kDouble).reshape(shape);
}

}  // namespace

JointTarget resolve_joint(const JointConfig& config, const std::vector<Target>& targets) {
  JointTarget joint{.of = parts_of(config, targets)};
  joint.target.name = config.name.empty() ? "joint" : config.name;
  joint.target.classes = {""};
  for (const int component : joint.of) {
    const Target& target = targets[std::size_t(component)];
    joint.sizes.push_back(target.size());
    std::vector<std::string> combined;
    for (const std::string& before : joint.target.classes) {
      for (const std::string& name : target.classes) combined.push_back(before.empty() ? name : before + "/" + name);
    }
    joint.target.classes = std::move(combined);
    if (joint.target.classes.size() > kMostClasses)
      throw UsageError("joint would have more than {} classes; combine fewer targets (joint.of)", kMostClasses);
  }
  check_distinct(joint.target);
  return joint;
}

int joint_class(const JointTarget& joint, const std::vector<std::int64_t>& codes) {
  std::int64_t code = 0;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] < 0) return -1;
    code = code * joint.sizes[i] + codes[i];
  }
  return static_cast<int>(code);
}

torch::Tensor product_probs(const JointTarget& joint, const std::vector<torch::Tensor>& components) {
  torch::Tensor product = along(components.front(), 0, components.size());
  for (std::size_t i = 1; i < components.size(); ++i) product = product * along(components[i], i, components.size());
  return product.reshape({product.size(0), joint.target.size()});
}

torch::Tensor marginal_probs(const JointTarget& joint, const torch::Tensor& probs, std::size_t component) {
  std::vector<std::int64_t> shape{probs.size(0)}, others;
  shape.insert(shape.end(), joint.sizes.begin(), joint.sizes.end());
  for (std::size_t i = 0; i < joint.sizes.size(); ++i) {
    if (i != component) others.push_back(static_cast<std::int64_t>(i) + 1);
  }
  return probs.to(at::kDouble).reshape(shape).sum(others);
}

void derive_probs(const JointTarget& joint, std::vector<torch::Tensor>& by_target) {
  torch::Tensor& whole = by_target.back();
  std::vector<torch::Tensor> components;
  for (const int component : joint.of) {
    if (by_target[std::size_t(component)].defined()) components.push_back(by_target[std::size_t(component)]);
  }
  if (!whole.defined()) {
    if (components.size() == joint.of.size()) whole = product_probs(joint, components);
    return;
  }
  for (std::size_t i = 0; i < joint.of.size(); ++i) {
    torch::Tensor& component = by_target[std::size_t(joint.of[i])];
    if (!component.defined()) component = marginal_probs(joint, whole, i);
  }
}

}  // namespace pleat
