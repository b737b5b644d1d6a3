// The cells of a sweep as given on the command line: the keys that vary, and the values of each cell.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/config_node.h"

namespace pleat {

/// A range without a number of values, for random draws.
struct OpenRange {
  double low = 0, high = 0;
  bool logarithmic = false;
};

struct Axis {
  std::string key;                 // "train.lr"
  std::vector<ConfigNode> values;  // empty for an open range
  std::optional<OpenRange> open;
  bool whole = false;  // values of a range are rounded to whole numbers
};

/// "train.lr=1e-4,1e-3", "train.lr=log:1e-5:1e-2:6", "train.batch=lin:16:64:4", or, for random draws,
/// "train.lr=log:1e-5:1e-2". Values are YAML, so commas inside brackets and braces belong to a value.
///   is_whole: true for a key whose values are whole numbers
/// Throws: UsageError for another form, an empty list, or a range that is not increasing or has no positive start.
Axis parse_axis(const std::string& text, const std::function<bool(const std::string& key)>& is_whole);

/// Values of the keys that vary.
struct CellValues {
  std::vector<std::optional<ConfigNode>> values;  // in the order of the keys; none: the config's own value
  std::string source;                             // for errors: "--axis train.lr=0.1", or "trials.csv line 3"
};

struct CellTable {
  std::vector<std::string> keys;
  std::vector<CellValues> cells;
};

/// Every combination of the axes' values; the first axis varies slowest.
/// Throws: UsageError for a repeated key, an open range, or more than kMostCells cells.
CellTable grid_of(const std::vector<Axis>& axes);
inline constexpr std::size_t kMostCells = 100'000;

/// `count` different cells at random. Without an open range they are cells of the grid, at most all of them. A larger
/// count keeps the cells of a smaller one.
/// Throws: UsageError for a repeated key, more than kMostCells combinations, or ranges that have fewer different
/// values.
CellTable random_cells(const std::vector<Axis>& axes, std::int64_t count, std::uint64_t seed);

/// A row per cell, a column per key; an empty field means the config's own value. Throws: DataError, UsageError.
CellTable cells_of_file(const std::filesystem::path& path);

}  // namespace pleat
