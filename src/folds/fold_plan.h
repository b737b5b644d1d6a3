// Stratified, grouped K-fold plans, frozen in folds.csv. A group is never on both sides of a fold.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"

namespace pleat {

/// A fold of a plan, numbered through all repeats: value / k is the repeat. A type of its own, so that a rank cannot be
/// passed as a fold.
struct FoldId {
  int value = 0;
  auto operator<=>(const FoldId&) const = default;
};

/// Far above any real plan. Stops a mistaken or damaged number from allocating huge tables.
inline constexpr int kMostFolds = 10'000;

struct FoldConfig {
  std::int64_t k = 5;
  std::int64_t repeats = 1;
  std::vector<std::string> stratify;
  std::string file;
  Auto<double> trunks{0.0};
  static constexpr auto fields() {
    return std::tuple{
        field("k", &FoldConfig::k, between(2, kMostFolds), identity, "number of folds"),
        field("repeats", &FoldConfig::repeats, between(1, 100), identity,
              "number of independent divisions into folds; out-of-fold predictions are averaged over the repeats"),
        field("stratify", &FoldConfig::stratify, any(), identity,
              "columns whose values are spread evenly over the folds; empty: all targets"),
        field("file", &FoldConfig::file, any(), runtime,
              "frozen plan (folds.csv) to use instead of making one; exactly its rows take part"),
        field("trunks", &FoldConfig::trunks, below_one(), omit_at_default,
              "share of the epochs that folds train together, on rows that none of them holds out; rounded to whole "
              "epochs; auto: 0.5; 0 or off: none (docs/trunks.md)")};
  }
};

/// The rows to divide into folds: the labelled train rows.
struct FoldRequest {
  std::vector<std::string> ids;                  // one per row, unique
  std::vector<std::string> groups;               // one per row; empty: each row is a group
  std::vector<std::vector<std::string>> strata;  // strata[column][row]; may be empty
  std::vector<std::string> strata_names;         // for errors
  std::string source;                            // for errors: the rows' file
  int k = 5;
  int repeats = 1;
  std::uint64_t seed = 0;
};

struct FoldPlan {
  int k = 0;
  int repeats = 1;
  std::vector<std::string> ids, groups;   // per row; groups equal ids where none were given
  std::vector<std::vector<int>> fold_of;  // fold_of[repeat][row] in [0, k)

  int folds() const { return k * repeats; }
  static constexpr auto members() {
    return std::tuple{&FoldPlan::k, &FoldPlan::repeats, &FoldPlan::ids, &FoldPlan::groups, &FoldPlan::fold_of};
  }
};

/// Makes a plan. Deterministic in the request, and independent of the order of its rows. Warns of a class in fewer than
/// k groups, and spreads it over as many folds as possible.
/// Throws: DataError for fewer rows or groups than k, an id that appears twice, or a class with fewer rows than k.
FoldPlan make_folds(const FoldRequest& request);

/// Return the plan's rows that the fold holds out, and those that it trains on; ascending.
std::vector<std::size_t> held_out(const FoldPlan& plan, FoldId fold);
std::vector<std::size_t> trained_on(const FoldPlan& plan, FoldId fold);

/// folds.csv: `id,group,fold`, with `fold_2`, … for further repeats. Format: docs/formats.md.
std::string folds_csv(const FoldPlan& plan);

/// Reads folds.csv.
/// Throws: DataError with file and line for a missing column, a duplicate id, a fold that is empty or not a number,
/// folds other than 0…k-1 each with rows, or a group in two folds.
FoldPlan read_folds(const std::filesystem::path& path);

}  // namespace pleat
