// Predictions that another program made, by row id. Formats: docs/formats.md. Uses no torch headers, since it reads
// untrusted files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pleat {

/// A target that a table may predict, with its classes.
struct PredictedTarget {
  std::string name;
  std::vector<std::string> classes;
};

struct PredictionTable {
  std::filesystem::path path;
  std::string sha256;            // of the file
  std::vector<std::string> ids;  // unique
  // By repeat and row: the fold that held the row out, -1 for none; empty if the file does not say.
  std::vector<std::vector<std::int64_t>> folds;
  // Of each target: [ids, classes], each row's sum 1; empty if the file does not predict it.
  std::vector<std::vector<double>> probs;
};

/// Reads a CSV file with the columns of predictions.csv, or an HDF5 file with the objects of oof.h5; its first bytes
/// determine which.
/// Throws: DataError naming file, row and target or column for a repeated or empty id, a value that is not a number or
/// is negative, probabilities whose sum differs from 1 by more than kMostSumError, a fold that is no whole number from
/// 0, other classes or another order of classes, or a file without any of the targets.
PredictionTable read_prediction_table(const std::filesystem::path& path, const std::vector<PredictedTarget>& targets);
inline constexpr double kMostSumError = 1e-3;

}  // namespace pleat
