// What is to be told from an image: a column of the table and its classes.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"

namespace pleat {

struct TargetConfig {
  std::string name;
  std::string column;
  std::vector<std::string> classes;
  static constexpr auto fields() {
    return std::tuple{
        field("name", &TargetConfig::name, any(), identity, "name of the target; letters, digits, '_', '-', '.'"),
        field("column", &TargetConfig::column, any(), identity, "column of the table; default: the name"),
        field("classes", &TargetConfig::classes, any(), identity,
              "labels in class order; default: those of the train rows, sorted (as numbers if all are)")};
  }
};

struct Target {
  std::string name, column;
  std::vector<std::string> classes;

  int size() const { return static_cast<int>(classes.size()); }
  /// Class of a label, or -1.
  int encode(const std::string& label) const;
};

/// Fills in what the config leaves out. `labels`: the column's values in the labelled train rows.
/// Throws UsageError for an empty name, a name with other characters, a class given twice; DataError for fewer than 2
/// classes.
Target resolve_target(const TargetConfig& config, const std::vector<std::string>& labels);

}  // namespace pleat
