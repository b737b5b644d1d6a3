// A target to predict from images: a column of the table, with classes or with edges that cut its numbers into classes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"

namespace pleat {

struct TargetConfig {
  std::string name;
  std::string column;
  std::vector<std::string> classes;
  std::vector<double> edges;
  std::int64_t bins = 0;
  double bin_spread = 0.0;
  bool regress = false;
  std::vector<double> train_edges;
  double weight = 1.0;
  static constexpr auto fields() {
    return std::tuple{
        field("name", &TargetConfig::name, any(), identity, "name of the target; letters, digits, '_', '-', '.'"),
        field("column", &TargetConfig::column, any(), identity, "column of the table; default: the name"),
        field("classes", &TargetConfig::classes, any(), identity,
              "labels in class order; default: those of the train rows, sorted (as numbers if all are); with edges: "
              "the names of the classes between the edges"),
        field("edges", &TargetConfig::edges, any(), identity,
              "values that cut a column of numbers (an age, say) into classes: [30, 60] makes three, below 30, from 30 "
              "to below 60, and from 60"),
        field(
            "bins", &TargetConfig::bins, between(0, 1000), identity,
            "with edges: train on this many bins (11, say) instead of on classes; bins hold equally many training rows "
            "of the fold; predictions are mapped back to classes, and a bin that an edge cuts is divided in proportion "
            "to its training rows; 0: train on the classes"),
        field("bin_spread", &TargetConfig::bin_spread, between(0, 100), identity,
              "with bins: spread each label over neighbouring bins, by a normal distribution with this standard "
              "deviation, in bins; 0: its own bin only"),
        field("regress", &TargetConfig::regress, any(), identity,
              "with edges: train on the numbers themselves; the network predicts the mean and standard deviation of a "
              "normal distribution, and a class gets the probability between its edges"),
        field("train_edges", &TargetConfig::train_edges, any(), identity,
              "with edges: edges used in training instead, such as [30, 58] to label more rows old; scores still use "
              "edges; default: edges"),
        field("weight", &TargetConfig::weight, above(0.0), identity,
              "with targets_as: heads, the weight of this target's loss in the sum over the targets")};
  }
};

/// The form in which a network learns a target.
enum class Teaching { kClasses, kBins, kNumber };

struct Target {
  std::string name, column;
  std::vector<std::string> classes;
  std::vector<double> edges, train_edges;  // ascending, one fewer than classes; empty: labels are class names
  int bins = 0;
  double bin_spread = 0;
  bool regress = false;
  double weight = 1;

  int size() const { return static_cast<int>(classes.size()); }
  bool numeric() const { return !edges.empty(); }
  Teaching teaching() const { return bins > 0 ? Teaching::kBins : regress ? Teaching::kNumber : Teaching::kClasses; }
  /// Number of network outputs for the target.
  int outputs() const { return bins > 0 ? bins : regress ? 2 : size(); }
  /// Returns the label's class; -1 if it has none, or, with edges, is not a finite number.
  int encode(const std::string& label) const;
  /// Returns the label's class in training: like encode, but by train_edges.
  int taught(const std::string& label) const;
};

/// Returns the label's number; nullopt unless it is a finite number.
std::optional<double> number_of(const std::string& label);

/// Returns a number's class among those that `edges` make.
int class_by(const std::vector<double>& edges, double number);

/// Fills in the config's defaults. `labels`: the column's values in the labelled train rows.
/// Throws: UsageError for an empty or invalid name, a class that appears twice, edges that do not rise, or options that
/// exclude each other.
/// Throws: DataError for fewer than 2 classes; with edges, for a label that is not a number or an edge beyond the data.
Target resolve_target(const TargetConfig& config, const std::vector<std::string>& labels);

}  // namespace pleat
