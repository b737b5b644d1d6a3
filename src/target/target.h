// What is to be told from an image: a column of the table, and its classes or the edges that cut its numbers into
// classes.
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
        field(
            "classes", &TargetConfig::classes, any(), identity,
            "labels in class order; default: those of the train rows, sorted (as numbers if all are); with edges, what "
            "to call the classes that they make"),
        field(
            "edges", &TargetConfig::edges, any(), identity,
            "the column holds numbers (an age, say), and these cut them into classes: [30, 60] makes three, below 30, "
            "from 30 to below 60, and from 60"),
        field(
            "bins", &TargetConfig::bins, between(0, 1000), identity,
            "with edges: train on this many bins of the column's numbers that hold equally many training rows (fitted "
            "to each fold's), and fold the bins back to classes; a bin with an edge inside is shared as the training "
            "numbers in it are; 11, say; 0: train on the classes"),
        field("bin_spread", &TargetConfig::bin_spread, between(0, 100), identity,
              "with bins: spread each label over the bins around its own, as a normal distribution with this standard "
              "deviation, in bins; 0: its bin alone"),
        field("regress", &TargetConfig::regress, any(), identity,
              "with edges: train on the numbers themselves; the network gives a mean and a standard deviation (by the "
              "likelihood of a normal distribution), and a class gets what lies between its edges"),
        field("train_edges", &TargetConfig::train_edges, any(), identity,
              "with edges: where training puts them instead, as [30, 58] to call more rows old than are; scores go by "
              "edges; default: edges"),
        field("weight", &TargetConfig::weight, above(0.0), identity,
              "with targets_as: heads, what this target's loss counts, of the sum over the targets")};
  }
};

/// How a target is taught to a network.
enum class Teaching { kClasses, kBins, kNumber };

struct Target {
  std::string name, column;
  std::vector<std::string> classes;
  std::vector<double> edges, train_edges;  // ascending, one fewer than classes; empty: labels are classes as they stand
  int bins = 0;
  double bin_spread = 0;
  bool regress = false;
  double weight = 1;

  int size() const { return static_cast<int>(classes.size()); }
  bool numeric() const { return !edges.empty(); }
  Teaching teaching() const { return bins > 0 ? Teaching::kBins : regress ? Teaching::kNumber : Teaching::kClasses; }
  /// Numbers that a network gives for it.
  int outputs() const { return bins > 0 ? bins : regress ? 2 : size(); }
  /// Class of a label, or -1 if it is none (with edges: no finite number).
  int encode(const std::string& label) const;
  /// What training calls the label: as encode, by train_edges.
  int taught(const std::string& label) const;
};

/// The number that a label is, if it is a finite one.
std::optional<double> number_of(const std::string& label);

/// Which of the classes that `edges` make a number is in.
int class_by(const std::vector<double>& edges, double number);

/// Fills in what the config leaves out. `labels`: the column's values in the labelled train rows.
/// Throws UsageError for an empty name, a name with other characters, a class given twice, edges that do not rise,
/// options that do not go together; DataError for fewer than 2 classes, a label that is no number where there are
/// edges, an edge beyond all of the data.
Target resolve_target(const TargetConfig& config, const std::vector<std::string>& labels);

}  // namespace pleat
