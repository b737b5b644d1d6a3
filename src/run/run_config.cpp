#include "run/run_config.h"

#include "base/error.h"

namespace pleat {

template RunConfig read_fields<RunConfig>(const ConfigNode& node);
template Json to_json<RunConfig>(const RunConfig& config);
template Json identity_of<RunConfig>(const RunConfig& config);

void check_folder_name(const std::string& what, const std::string& name) {
  if (name.empty() || name.front() == '.' || name.find_first_not_of(kFolderNameLetters) != std::string::npos) {
    throw UsageError("{} '{}' names a folder; use letters, digits, '_', '-' and '.', and no '.' at the start", what,
                     name);
  }
  constexpr std::size_t kLongest = 100;  // characters; file systems allow 255 bytes, and other names are appended
  if (name.size() > kLongest)
    throw UsageError("{} '{:.40}…' is longer than {} characters; shorten it", what, name, kLongest);
}

namespace {

// `rounds: 3` is short for `rounds: {count: 3}`.
void expand_rounds(ConfigNode& root) {
  for (auto& [key, node] : root.map) {
    if (key != "rounds" || node.kind != ConfigNode::Kind::kScalar) continue;
    ConfigNode whole{.kind = ConfigNode::Kind::kMap, .where = node.where};
    whole.map.emplace_back("count", node);
    node = std::move(whole);
  }
}

// `folds.trunks: off` is 0.
void expand_trunks(ConfigNode& root) {
  for (auto& [key, folds] : root.map) {
    if (key != "folds" || folds.kind != ConfigNode::Kind::kMap) continue;
    for (auto& [name, node] : folds.map) {
      if (name == "trunks" && node.kind == ConfigNode::Kind::kScalar && node.scalar == "off") node.scalar = "0";
    }
  }
}

}  // namespace

ConfigNode load_config_tree(const std::filesystem::path& file, const std::vector<std::string>& assignments) {
  ConfigNode root = read_config(file);
  expand_rounds(root);  // before and after: --set rounds.parts=2 may follow rounds: 3
  for (const auto& assignment : assignments) set_in_config(root, assignment);
  expand_rounds(root);
  expand_trunks(root);
  return root;
}

RunConfig config_of(const ConfigNode& tree) {
  auto config = read_fields<RunConfig>(tree);
  complete_and_check(config);
  return config;
}

RunConfig load_run_config(const std::filesystem::path& file, const std::vector<std::string>& assignments) {
  return config_of(load_config_tree(file, assignments));
}

std::string config_reference() {
  std::vector<FieldDoc> rows;
  describe_fields<RunConfig>("", rows);
  std::string text =
      "# Config reference\n\nMade by `pleat config --reference`; do not edit by hand. *Identity* fields determine "
      "results: they enter the\n"
      "job key, and a run cannot be resumed with another value. *Runtime* fields only say where and how fast.\n\n"
      "| key | default | values | role | meaning |\n| --- | --- | --- | --- | --- |\n";
  for (const auto& row : rows) {
    const bool group = row.default_value.empty();
    text +=
        fmt::format("| `{}` | {} | {} | {} | {} |\n", row.key, group ? "" : "`" + row.default_value + "`", row.bound,
                    group                        ? ""
                    : row.role == Role::kRuntime ? "runtime"
                                                 : "identity",
                    row.doc);
  }
  return text;
}

}  // namespace pleat
