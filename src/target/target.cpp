#include "target/target.h"

#include <algorithm>
#include <charconv>
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

}  // namespace

int Target::encode(const std::string& label) const {
  const auto found = std::find(classes.begin(), classes.end(), label);
  return found == classes.end() ? -1 : static_cast<int>(found - classes.begin());
}

Target resolve_target(const TargetConfig& config, const std::vector<std::string>& labels) {
  constexpr const char* kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  if (config.name.empty() || config.name.find_first_not_of(kAllowed) != std::string::npos ||
      config.name.front() == '.') {
    throw UsageError("targets: the name '{}' must be of letters, digits, '_', '-' and '.'; it names a folder",
                     config.name);
  }
  Target target{config.name, config.column.empty() ? config.name : config.column, config.classes};
  const std::set<std::string> distinct(config.classes.begin(), config.classes.end());
  if (distinct.size() != config.classes.size()) throw UsageError("target {}: a class is given twice", config.name);
  if (target.classes.empty()) {
    constexpr std::size_t kMostInferred = 1000;
    target.classes = classes_in(labels);
    if (target.classes.size() > kMostInferred) {
      throw DataError(
          "target {}: column {} has {} different labels (such as '{}'); is it a class column? If so, list its classes",
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
