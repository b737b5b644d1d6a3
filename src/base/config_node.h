// A YAML document as a plain tree that remembers where each value stood, so that an error can name file and line.
// The only place that knows the YAML library.
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

/// Parses one YAML document. Throws UsageError with file:line: bad syntax, a key given twice, more than 100,000 values,
/// values nested more than 64 deep (an alias to what it stands in has no end), a second document.
ConfigNode parse_config(std::string_view text, const std::string& file_name);
ConfigNode read_config(const std::filesystem::path& path);

/// Applies one `--set a.b=value` (value is YAML, so a list or map may be given; list items are named by number:
/// models.0.name or models[0].name). Throws UsageError if the assignment is not of that form or names an item that the
/// list does not have.
void set_in_config(ConfigNode& root, const std::string& assignment);

/// The tree as YAML text, block style.
std::string to_yaml(const ConfigNode& root);

/// The candidate with the fewest edits, or "" if none is near.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace pleat
