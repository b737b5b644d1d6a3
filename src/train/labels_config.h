// train.labels: labels that networks should not learn as they stand in the table.
#pragma once

#include <string>
#include <tuple>

#include "base/fields.h"

namespace pleat {

inline constexpr const char* kAutoLabels = "auto";

struct LabelsConfig {
  std::string drop, relabel;
  static constexpr auto fields() {
    return std::tuple{
        field(
            "drop", &LabelsConfig::drop, any(), runtime,
            "labels not to learn. A CSV file: those in it (pleat audit's label_issues.csv, or the marks of a report); "
            "auto: labels suspected by judges; a judge is a network that trained on neither the row's fold nor the "
            "fold "
            "that the learning network holds out"),
        field("relabel", &LabelsConfig::relabel, any(), runtime,
              "labels to learn in place of the table's: a CSV file with the new labels, or auto: the judges' "
              "suggestions")};
  }

  bool automatic() const { return drop == kAutoLabels || relabel == kAutoLabels; }
  bool any_file() const {
    return (!drop.empty() && drop != kAutoLabels) || (!relabel.empty() && relabel != kAutoLabels);
  }
};

}  // namespace pleat
