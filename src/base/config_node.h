// A YAML document as a plain tree. Each value remembers its file and line, for error messages. Only this file uses the
// YAML library.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pleat {

struct ConfigNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string scalar;
  std::vector<ConfigNode> list;
  std::vector<std::pair<std::string, ConfigNode>> map;  // in the document's order
  std::string where;                                    // "faces.yaml:12", or "--set train.lr=…"

  const ConfigNode* find(std::string_view key) const;
};

/// Parses one YAML document.
/// Throws: UsageError with file:line for bad syntax, a key given twice, a second document, more than 100,000 values, or
/// values nested more than 64 deep (an alias may contain itself).
ConfigNode parse_config(std::string_view text, const std::string& file_name);
ConfigNode read_config(const std::filesystem::path& path);

/// Applies one `--set a.b=value`. The value is YAML: a list or map is possible. List items go by number: models.0.name
/// or models[0].name.
/// Throws: UsageError if the assignment has another form or names a list item that does not exist.
void set_in_config(ConfigNode& root, const std::string& assignment);

/// Sets a key, in the notation of set_in_config, to a value.
///   source: for errors, "--axis train.lr=0.1"
void set_in_config(ConfigNode& root, const std::string& key, const ConfigNode& value, const std::string& source);

/// The parts of a key in the notation of set_in_config: models[0].name as models, 0, name.
std::vector<std::string> key_parts(const std::string& key);

/// The items of a list without its brackets: "1e-4, [a, b]" has two. Throws UsageError naming `source`.
std::vector<ConfigNode> parse_items(const std::string& text, const std::string& source);

/// A value as YAML text in one line: 0.1, [a, b], {name: c}.
std::string to_flow_yaml(const ConfigNode& node);

/// The tree as YAML text, block style.
std::string to_yaml(const ConfigNode& root);

/// Returns the candidate with the fewest edits, or "" if none is close.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace pleat
