#include "target/target.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/utf8.h"

namespace pleat {
namespace {

bool is_whole_number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

std::vector<std::string> classes_in(const std::vector<std::string>& labels) {
  const std::set<std::string> distinct(labels.begin(), labels.end());
  std::vector<std::string> classes(distinct.begin(), distinct.end());
  if (std::all_of(classes.begin(), classes.end(), is_whole_number)) {
    std::stable_sort(classes.begin(), classes.end(),
                     [](const std::string& a, const std::string& b) { return std::stoll(a) < std::stoll(b); });
  }
  return classes;
}

void check_name(const TargetConfig& config) {
  constexpr const char* kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  if (config.name.empty() || config.name.find_first_not_of(kAllowed) != std::string::npos ||
      config.name.front() == '.') {
    throw UsageError("targets: the name '{}' may have only letters, digits, '_', '-' and '.'; it names a folder",
                     config.name);
  }
}

// Refuses options that need numbers, for a target whose labels are names.
void check_without_edges(const TargetConfig& config) {
  const auto refuse = [&](const char* option) {
    throw UsageError(
        "target {}: {} needs edges, which cut its numbers into classes; give edges, as in edges: [30, 60], or "
        "leave {} out",
        config.name, option, option);
  };
  if (config.bins > 0) refuse("bins");
  if (config.regress) refuse("regress");
  if (!config.train_edges.empty()) refuse("train_edges");
  if (config.bin_spread > 0) refuse("bin_spread");
}

void check_rising(const TargetConfig& config, const char* what, const std::vector<double>& edges) {
  for (std::size_t i = 0; i < edges.size(); ++i) {
    if (std::isfinite(edges[i]) && (i == 0 || edges[i - 1] < edges[i])) continue;
    throw UsageError("target {}: {} [{}] must be finite numbers, each above the one before", config.name, what,
                     fmt::join(edges, ", "));
  }
}

void check_edges(const TargetConfig& config) {
  check_rising(config, "edges", config.edges);
  check_rising(config, "train_edges", config.train_edges);
  if (!config.train_edges.empty() && config.train_edges.size() != config.edges.size()) {
    throw UsageError("target {}: train_edges has {} values and edges {}; give one for each edge", config.name,
                     config.train_edges.size(), config.edges.size());
  }
  if (!config.classes.empty() && config.classes.size() != config.edges.size() + 1) {
    throw UsageError(
        "target {}: {} edges make {} classes, but classes names {}; give a name for each, the lowest first",
        config.name, config.edges.size(), config.edges.size() + 1, config.classes.size());
  }
  if (config.bins == 1) throw UsageError("target {}: one bin holds all numbers; give 2 or more, or 0", config.name);
  if (config.bins > 0 && config.regress) {
    throw UsageError("target {}: bins ({}) and regress are two ways to train it; leave one of them out", config.name,
                     config.bins);
  }
  if (config.bin_spread > 0 && config.bins == 0) {
    throw UsageError("target {}: bin_spread ({}) needs bins; give bins: 11, say, or leave bin_spread out", config.name,
                     config.bin_spread);
  }
}

std::vector<std::string> names_of_ranges(const std::vector<double>& edges) {
  std::vector<std::string> names{fmt::format("below {}", edges.front())};
  for (std::size_t i = 1; i < edges.size(); ++i) names.push_back(fmt::format("{} to {}", edges[i - 1], edges[i]));
  names.push_back(fmt::format("from {}", edges.back()));
  return names;
}

// An edge beyond all numbers is a mistake (months for years): a class would be empty in every fold.
void check_data(const Target& target, const std::vector<std::string>& labels) {
  double least = INFINITY, most = -INFINITY;
  for (const std::string& label : labels) {
    const auto number = number_of(label);
    if (!number) {
      throw DataError(
          "target {}: column {} holds '{}', which is no number, but the target has edges; fix the row, or "
          "leave edges out",
          target.name, target.column, shown(label));
    }
    least = std::min(least, *number);
    most = std::max(most, *number);
  }
  if (labels.empty())
    throw DataError("target {}: column {} has no number in the train rows", target.name, target.column);
  for (const auto& [what, edges] : {std::pair{"edges", &target.edges}, std::pair{"train_edges", &target.train_edges}}) {
    for (const double edge : *edges) {
      if (least < edge && edge <= most) continue;
      throw DataError(
          "target {}: {} has {}, but column {} runs from {} to {} in the train rows, so no row would be {} "
          "it; give an edge inside",
          target.name, what, edge, target.column, least, most, edge > most ? "at or above" : "below");
    }
  }
}

Target resolve_numbers(const TargetConfig& config, const std::vector<std::string>& labels) {
  check_edges(config);
  Target target{.name = config.name,
                .column = config.column.empty() ? config.name : config.column,
                .classes = config.classes.empty() ? names_of_ranges(config.edges) : config.classes,
                .edges = config.edges,
                .train_edges = config.train_edges.empty() ? config.edges : config.train_edges,
                .bins = static_cast<int>(config.bins),
                .bin_spread = config.bin_spread,
                .regress = config.regress,
                .weight = config.weight};
  check_data(target, labels);
  return target;
}

}  // namespace

std::optional<double> number_of(const std::string& label) {
  double value = 0;
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), value);
  if (error != std::errc{} || end != label.data() + label.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

int class_by(const std::vector<double>& edges, double number) {
  return static_cast<int>(std::upper_bound(edges.begin(), edges.end(), number) - edges.begin());
}

int Target::encode(const std::string& label) const {
  if (numeric()) {
    const auto number = number_of(label);
    return number ? class_by(edges, *number) : -1;
  }
  const auto found = std::find(classes.begin(), classes.end(), label);
  return found == classes.end() ? -1 : static_cast<int>(found - classes.begin());
}

int Target::taught(const std::string& label) const {
  if (!numeric()) return encode(label);
  const auto number = number_of(label);
  return number ? class_by(train_edges, *number) : -1;
}

Target resolve_target(const TargetConfig& config, const std::vector<std::string>& labels) {
  check_name(config);
  std::set<std::string> distinct;
  for (const std::string& name : config.classes) {
    if (name.empty()) {
      throw UsageError(
          "target {}: classes has an item without a name; write its label, in quotes if that is null or ~: [\"null\", "
          "…]",
          config.name);
    }
    if (!distinct.insert(name).second)
      throw UsageError("target {}: classes names '{}' twice; leave one of them out", config.name, shown(name));
  }
  if (!config.edges.empty()) return resolve_numbers(config, labels);
  if (config.classes.size() == 1)
    throw UsageError("target {}: classes names '{}' alone; name 2 or more, or leave classes out", config.name,
                     shown(config.classes.front()));
  check_without_edges(config);
  Target target{.name = config.name,
                .column = config.column.empty() ? config.name : config.column,
                .classes = config.classes,
                .weight = config.weight};
  if (target.classes.empty()) {
    constexpr std::size_t kMostInferred = 1000;
    target.classes = classes_in(labels);
    if (target.classes.size() > kMostInferred) {
      throw DataError(
          "target {}: column {} has {} different labels (such as '{}'); is it a class column? If so, list its classes; "
          "if it holds numbers, give edges",
          target.name, target.column, target.classes.size(), shown(target.classes.front()));
    }
  }
  if (target.size() < 2) {
    throw DataError("target {}: column {} has {} class in the train rows, expected 2 or more; is it the right column?",
                    target.name, target.column, target.size());
  }
  return target;
}

}  // namespace pleat
