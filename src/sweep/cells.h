// The cells of a sweep: one config each.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "run/run_config.h"
#include "sweep/axes.h"

namespace pleat {

struct Cell {
  std::string name;                 // of its folder: "lr=0.001,batch=32"
  std::vector<std::string> values;  // of the keys, as text
  RunConfig config;
};

struct Cells {
  std::vector<std::string> keys;    // "train.lr"
  std::vector<std::string> labels;  // short names of the keys: "lr"
  std::vector<Cell> cells;
};

/// A config per row of the table, over the config's own values.
///   tree: of the config file and its --set assignments; rounds are left out, since a sweep compares first rounds
/// Throws: UsageError for a key that does not exist or cannot vary (with the reason), for values that are out of bounds
/// or do not fit together (all such cells are named), and for two equal cells.
Cells make_cells(const ConfigNode& tree, const CellTable& table);

/// The value of a key in a resolved config; null without such a key. Throws: nothing.
Json value_of(const Json& config, const std::string& key);

/// A list of errors in one line: equal ones once, at most ten.
struct NamedError {
  std::string name, what;
};
std::string list_errors(const std::vector<NamedError>& errors, std::size_t cells);

/// The cell's config with the short schedule: a complete schedule over short_share of the epochs.
RunConfig brief_config(const RunConfig& config);

}  // namespace pleat
