// Predictions that another program made, by row id: candidates of an ensemble. Formats: docs/formats.md.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace pleat {

/// A target that a table may have, with its classes.
struct WantedTarget {
  std::string name;
  std::vector<std::string> classes;
};

struct OutsideTable {
  std::filesystem::path path;
  std::string sha256;                // of the file
  std::vector<std::string> ids;      // unique
  std::vector<std::int64_t> folds;   // by row: the fold that held it out, -1 for none; empty if the file does not say
  std::vector<torch::Tensor> probs;  // of each wanted target, [ids, C] float64, each row's sum 1; undefined if absent
};

/// Reads a CSV file with the columns of predictions.csv, or an HDF5 file with the objects of oof.h5; its first bytes
/// determine which.
/// Throws: DataError naming file, row and target for a repeated or empty id, a value that is not a number or is
/// negative, probabilities whose sum differs from 1 by more than kMostSumError, other classes or another order of
/// classes, or a file without any of the targets.
OutsideTable read_outside_table(const std::filesystem::path& path, const std::vector<WantedTarget>& wanted);
inline constexpr double kMostSumError = 1e-3;

}  // namespace pleat
