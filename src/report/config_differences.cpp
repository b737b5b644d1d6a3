#include "report/config_differences.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/config_node.h"
#include "base/error.h"
#include "base/utf8.h"
#include "run/run_config.h"
#include "run/run_paths.h"

namespace pleat {
namespace {

constexpr std::size_t kLongest = 60;  // bytes of a value

bool holds_maps(const ConfigNode& node) {
  return std::any_of(node.list.begin(), node.list.end(),
                     [](const ConfigNode& item) { return item.kind == ConfigNode::Kind::kMap; });
}

void flatten(const ConfigNode& node, const std::string& key, std::vector<std::pair<std::string, std::string>>& values) {
  if (node.kind == ConfigNode::Kind::kMap) {
    for (const auto& [name, value] : node.map) flatten(value, key.empty() ? name : key + "." + name, values);
  } else if (holds_maps(node)) {
    for (std::size_t i = 0; i < node.list.size(); ++i) flatten(node.list[i], fmt::format("{}[{}]", key, i), values);
  } else {
    values.emplace_back(key, shown(to_flow_yaml(node), kLongest));
  }
}

bool changes_results(const std::string& key) {
  return key == "cluster.exact" || (!key.starts_with("cluster.") && !key.starts_with("sweep.") && key != "report");
}

// With the defaults of keys that an earlier version did not have. Empty if the config cannot be read.
std::vector<std::pair<std::string, std::string>> values_of(const std::filesystem::path& run) try {
  std::vector<std::pair<std::string, std::string>> values;
  flatten(from_json(to_json(read_fields<RunConfig>(read_config(RunPaths{run}.config())))), "", values);
  std::erase_if(values, [](const auto& each) { return !changes_results(each.first); });
  return values;
} catch (const Error&) {
  return {};
}

bool differ(const ConfigDifference& each, const std::vector<bool>& readable) {
  const std::string* first = nullptr;
  for (std::size_t run = 0; run < readable.size(); ++run) {
    if (!readable[run]) continue;
    if (first != nullptr && *first != each.values[run]) return true;
    first = &each.values[run];
  }
  return false;
}

}  // namespace

std::vector<ConfigDifference> config_differences(const std::vector<std::filesystem::path>& runs) {
  std::vector<ConfigDifference> all;
  std::map<std::string, std::size_t> place_of;
  std::vector<bool> readable(runs.size());
  for (std::size_t run = 0; run < runs.size(); ++run) {
    const auto values = values_of(runs[run]);
    readable[run] = !values.empty();
    for (const auto& [key, value] : values) {
      const auto [place, is_new] = place_of.emplace(key, all.size());
      if (is_new) all.push_back({key, std::vector<std::string>(runs.size())});
      all[place->second].values[run] = value;
    }
  }
  std::erase_if(all, [&](const ConfigDifference& each) { return !differ(each, readable); });
  return all;
}

}  // namespace pleat
