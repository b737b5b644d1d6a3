#include "base/fields.h"

#include <charconv>
#include <cmath>

namespace pleat {
namespace fields_detail {

namespace {
std::string shown(const ConfigNode& node) {
  switch (node.kind) {
    case ConfigNode::Kind::kScalar:
      return fmt::format("'{}'", node.scalar);
    case ConfigNode::Kind::kList:
      return "a list";
    case ConfigNode::Kind::kMap:
      return "keys and values";
    default:
      return "nothing";
  }
}

template <class T>
bool parse_whole(const std::string& text, T& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stop == end && !text.empty();
}
}  // namespace

// True for a plain null, ~ or nothing. In quotes they are text, such as the name of a class.
bool is_null(const ConfigNode& node) { return node.kind == ConfigNode::Kind::kNull; }

void refuse(const ConfigNode& node, const std::string& path, const std::string& expected) {
  throw UsageError("{}: {} is {}; expected {}", node.where, path.empty() ? "the config" : path, shown(node), expected);
}

std::string describe(const Bound& bound) {
  if (bound.choices[0] != nullptr) {
    std::string text = "one of";
    const char* separator = " ";
    for (const char* choice : bound.choices) {
      if (choice == nullptr) break;
      text += separator + std::string(choice);
      separator = ", ";
    }
    return text;
  }
  const bool low = std::isfinite(bound.low), high = std::isfinite(bound.high);
  if (low && high)
    return fmt::format("{} {} and {} {}", bound.low_open ? "above" : "at least", bound.low,
                       bound.high_open ? "below" : "at most", bound.high);
  if (low) return fmt::format("{} {}", bound.low_open ? "above" : "at least", bound.low);
  if (high) return fmt::format("{} {}", bound.high_open ? "below" : "at most", bound.high);
  return "";
}

void check_number(const ConfigNode& node, const std::string& path, double value, const Bound& bound) {
  const bool low_ok = bound.low_open ? value > bound.low : value >= bound.low;
  const bool high_ok = bound.high_open ? value < bound.high : value <= bound.high;
  if (!low_ok || !high_ok) refuse(node, path, "a number " + describe(bound));
}

void check_choice(const ConfigNode& node, const std::string& path, const std::string& value, const Bound& bound) {
  if (bound.choices[0] == nullptr) return;
  std::vector<std::string> names;
  for (const char* choice : bound.choices) {
    if (choice == nullptr) break;
    if (value == choice) return;
    names.emplace_back(choice);
  }
  const std::string near = nearest_name(value, names);
  refuse(node, path, describe(bound) + (near.empty() ? "" : fmt::format(" (did you mean {}?)", near)));
}

std::int64_t read_integer(const ConfigNode& node, const std::string& path) {
  std::int64_t value = 0;
  if (node.kind != ConfigNode::Kind::kScalar || !parse_whole(node.scalar, value)) refuse(node, path, "a whole number");
  return value;
}

double read_number(const ConfigNode& node, const std::string& path) {
  double value = 0;
  const bool plus = !node.scalar.empty() && node.scalar.front() == '+';
  if (node.kind != ConfigNode::Kind::kScalar || !parse_whole(plus ? node.scalar.substr(1) : node.scalar, value) ||
      !std::isfinite(value)) {
    refuse(node, path, "a number");
  }
  return value;
}

void check_known_keys(const ConfigNode& node, const std::string& path, const std::vector<std::string>& known) {
  for (const auto& [key, value] : node.map) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string near = nearest_name(key, known);
    const std::string full = join_path(path, key.c_str());
    if (near.empty())
      throw UsageError("{}: unknown key '{}'; known here: {}", value.where, full, fmt::join(known, ", "));
    throw UsageError("{}: unknown key '{}'; did you mean '{}'?", value.where, full, join_path(path, near.c_str()));
  }
}

}  // namespace fields_detail

ConfigNode from_json(const Json& json) {
  ConfigNode node;
  if (json.is_object()) {
    node.kind = ConfigNode::Kind::kMap;
    for (const auto& [key, value] : json.items()) node.map.emplace_back(key, from_json(value));
  } else if (json.is_array()) {
    node.kind = ConfigNode::Kind::kList;
    for (const auto& item : json) node.list.push_back(from_json(item));
  } else if (!json.is_null()) {
    node.kind = ConfigNode::Kind::kScalar;
    node.scalar = json.is_string() ? json.get<std::string>() : json.dump();
  }
  return node;
}

}  // namespace pleat
