// Targets whose labels are combinations of other targets' labels.
#pragma once

#include <set>
#include <string>

#include "base/json.h"

namespace pleat {

/// ensemble.json names the joint target as the product of the others, or the others as sums over it.
///   targets: of ensemble.json
/// Throws: Json::exception if they are damaged.
inline std::set<std::string> joint_targets(const Json& targets) {
  std::set<std::string> joint;
  for (const auto& [name, target] : targets.items()) {
    const std::string method = target.at("method");
    if (method == "product") joint.insert(name);
    if (method == "sum") joint.insert(target.at("of").at(0).get<std::string>());
  }
  return joint;
}

}  // namespace pleat
