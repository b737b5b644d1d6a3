#include "base/config_node.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <regex>

#include "base/error.h"
#include "base/files.h"

namespace pleat {
namespace {

constexpr int kMostNodes = 100'000;  // aliases can expand a small file without limit
constexpr int kDeepest = 64;         // an alias can also contain itself

ConfigNode convert(const YAML::Node& node, const std::string& file, int& budget, int depth = 0) {
  ConfigNode result;
  result.where = fmt::format("{}:{}", file, node.Mark().line + 1);
  if (depth > kDeepest) {
    throw UsageError("{}: values are nested more than {} deep; does an alias (*name) contain itself?", result.where,
                     kDeepest);
  }
  if (--budget < 0) throw UsageError("{}: more than {} values; is this a pleat config?", file, kMostNodes);
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      result.kind = ConfigNode::Kind::kScalar;
      result.scalar = node.Scalar();
      break;
    case YAML::NodeType::Sequence:
      result.kind = ConfigNode::Kind::kList;
      for (const auto& item : node) result.list.push_back(convert(item, file, budget, depth + 1));
      break;
    case YAML::NodeType::Map:
      result.kind = ConfigNode::Kind::kMap;
      for (const auto& item : node) {
        const YAML::Node &key = item.first, &value = item.second;
        if (!key.IsScalar()) throw UsageError("{}:{}: a key must be a plain word", file, key.Mark().line + 1);
        if (result.find(key.Scalar())) {
          throw UsageError("{}:{}: '{}' is given twice; keep one", file, key.Mark().line + 1, key.Scalar());
        }
        result.map.emplace_back(key.Scalar(), convert(value, file, budget, depth + 1));
        result.map.back().second.where = fmt::format("{}:{}", file, key.Mark().line + 1);
      }
      break;
    default:
      break;
  }
  return result;
}

void mark_as(ConfigNode& node, const std::string& where) {
  node.where = where;
  for (auto& item : node.list) mark_as(item, where);
  for (auto& [key, value] : node.map) mark_as(value, where);
}

// `source`: "--set train.lr=0.1", for errors.
ConfigNode& child(ConfigNode& node, const std::string& name, const std::string& source) {
  if (node.kind == ConfigNode::Kind::kList) {
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
    if (error != std::errc{} || end != name.data() + name.size() || index >= node.list.size()) {
      throw UsageError("{}: '{}' is not an item of a list of {} (items count from 0)", source, name, node.list.size());
    }
    return node.list[index];
  }
  if (node.kind == ConfigNode::Kind::kScalar) {
    throw UsageError("{}: '{}' lies inside a plain value ({})", source, name, node.where);
  }
  node.kind = ConfigNode::Kind::kMap;
  for (auto& [key, value] : node.map) {
    if (key == name) return value;
  }
  node.map.emplace_back(name, ConfigNode{}).second.where = source;
  return node.map.back().second;
}

void emit(YAML::Emitter& out, const ConfigNode& node) {
  const auto plain = [](const ConfigNode& item) { return item.kind == ConfigNode::Kind::kScalar; };
  switch (node.kind) {
    case ConfigNode::Kind::kNull:
      out << YAML::Null;
      break;
    case ConfigNode::Kind::kScalar:
      out << node.scalar;
      break;
    case ConfigNode::Kind::kList:
      if (std::all_of(node.list.begin(), node.list.end(), plain)) out << YAML::Flow;
      out << YAML::BeginSeq;
      for (const auto& item : node.list) emit(out, item);
      out << YAML::EndSeq;
      break;
    case ConfigNode::Kind::kMap:
      out << YAML::BeginMap;
      for (const auto& [key, value] : node.map) {
        out << YAML::Key << key << YAML::Value;
        emit(out, value);
      }
      out << YAML::EndMap;
      break;
  }
}

}  // namespace

const ConfigNode* ConfigNode::find(std::string_view key) const {
  for (const auto& [name, value] : map) {
    if (name == key) return &value;
  }
  return nullptr;
}

ConfigNode parse_config(std::string_view text, const std::string& file_name) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1) {
      throw UsageError("{}:{}: a second YAML document begins here; a config has only one: remove the '---' before it",
                       file_name, documents[1].Mark().line + 1);
    }
    int budget = kMostNodes;
    return convert(documents.empty() ? YAML::Node() : documents[0], file_name, budget);
  } catch (const YAML::Exception& error) {
    throw UsageError("{}:{}: not valid YAML: {}", file_name, error.mark.line + 1, error.msg);
  }
}

ConfigNode read_config(const std::filesystem::path& path) {
  std::string text;
  try {
    text = read_file(path);
  } catch (const DataError& error) {
    // A missing config is a mistake on the command line.
    throw UsageError("{}; give a config, such as one that pleat init writes", error.what());
  }
  return parse_config(text, path.string());
}

void set_in_config(ConfigNode& root, const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError("--set {}: expected the form KEY=VALUE, as in train.lr=1e-4", assignment);
  }
  const std::string source = "--set " + assignment;
  set_in_config(root, assignment.substr(0, equals),
                parse_config(std::string_view(assignment).substr(equals + 1), source), source);
}

void set_in_config(ConfigNode& root, const std::string& key, const ConfigNode& value, const std::string& source) {
  ConfigNode* node = &root;
  for (const std::string& part : key_parts(key)) node = &child(*node, part, source);
  *node = value;
  mark_as(*node, source);
}

std::vector<std::string> key_parts(const std::string& key) {
  static const std::regex kItem(R"(\[(\d+)\])");
  const std::string path = std::regex_replace(key, kItem, ".$1");
  std::vector<std::string> parts(1);
  for (const char letter : path) {
    if (letter == '.')
      parts.emplace_back();
    else
      parts.back() += letter;
  }
  return parts;
}

std::vector<ConfigNode> parse_items(const std::string& text, const std::string& source) {
  const ConfigNode list = parse_config("[" + text + "]", source);
  if (list.kind != ConfigNode::Kind::kList) throw UsageError("{}: expected values separated by commas", source);
  return list.list;
}

std::string to_flow_yaml(const ConfigNode& root) {
  YAML::Emitter out;
  out.SetSeqFormat(YAML::Flow);
  out.SetMapFormat(YAML::Flow);
  emit(out, root);
  return out.c_str();
}

std::string to_yaml(const ConfigNode& root) {
  YAML::Emitter out;
  emit(out, root);
  return std::string(out.c_str()) + "\n";
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_edits = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= name.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j < row.size(); ++j) {
        const std::size_t replaced = diagonal + (name[i - 1] != candidate[j - 1]);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
      }
    }
    if (row.back() < best_edits) {
      best_edits = row.back();
      best = candidate;
    }
  }
  return best;
}

}  // namespace pleat
