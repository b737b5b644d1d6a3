// Who is held out when: stratified, grouped K-fold plans, frozen in folds.csv. A group is never on two sides of a fold.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"

namespace pleat {

/// A fold of a plan, counted through its repeats: value / k is the repeat. A rank can never be passed where a fold is
/// due.
struct FoldId {
  int value = 0;
  auto operator<=>(const FoldId&) const = default;
};

/// Far above any plan; keeps a mistaken or damaged number from asking for tables of that size.
inline constexpr int kMostFolds = 10'000;

struct FoldConfig {
  std::int64_t k = 5;
  std::int64_t repeats = 1;
  std::vector<std::string> stratify;
  std::string file;
  static constexpr auto fields() {
    return std::tuple{
        field("k", &FoldConfig::k, between(2, kMostFolds), identity, "number of folds"),
        field("repeats", &FoldConfig::repeats, between(1, 100), identity,
              "how many times the rows are cut into folds anew; out-of-fold predictions are averaged over the repeats"),
        field("stratify", &FoldConfig::stratify, any(), identity,
              "columns whose values are spread evenly over the folds; empty: all targets"),
        field("file", &FoldConfig::file, any(), runtime,
              "a frozen plan (folds.csv) to use instead of making one; exactly its rows take part")};
  }
};

/// What a plan is made for: the labelled train rows.
struct FoldRequest {
  std::vector<std::string> ids;                  // one per row, unique
  std::vector<std::string> groups;               // per row, or empty: each row on its own
  std::vector<std::vector<std::string>> strata;  // strata[column][row]; may be empty
  std::vector<std::string> strata_names;         // for errors
  std::string source;                            // for errors: the file that the rows are from
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
};

/// Throws DataError: fewer rows or groups than k (both numbers); an id that stands there twice; a class with fewer rows
/// than k (which column and class; a class with enough rows but in fewer than k groups is allowed, with a warning, and
/// spread as far as it goes). Deterministic in the request, whatever the order of its rows.
FoldPlan make_folds(const FoldRequest& request);

/// Rows of the plan that the fold holds out, and those that it trains on; ascending.
std::vector<std::size_t> held_out(const FoldPlan& plan, FoldId fold);
std::vector<std::size_t> trained_on(const FoldPlan& plan, FoldId fold);

/// folds.csv: `id,group,fold`, with `fold_2`, … for further repeats. Format: docs/formats.md.
std::string folds_csv(const FoldPlan& plan);

/// Throws DataError with file and line: missing column, duplicate id, a fold that is no number or empty or out of line
/// (folds are 0…k-1, each with rows), a group on two sides of a fold.
FoldPlan read_folds(const std::filesystem::path& path);

}  // namespace pleat
