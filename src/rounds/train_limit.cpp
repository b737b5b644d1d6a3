#include "rounds/train_limit.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/files.h"

namespace pleat {
namespace {

// Rows of one group, which are taken or left together.
struct Unit {
  std::uint64_t order;  // where the seed puts it among those of its stratum
  std::vector<std::int64_t> rows;
};
using Strata = std::map<std::string, std::vector<Unit>>;

// The row's classes over all targets, as one word.
std::string stratum_of(const Dataset& dataset, std::int64_t row) {
  std::string stratum;
  for (const Target& target : dataset.targets)
    stratum += dataset.crops.table().column(target.column)[std::size_t(row)] + '\x1f';
  return stratum;
}

Strata sort_into_strata(const RunConfig& config, const Dataset& dataset) {
  const auto& names = dataset.crops.table().column(config.data.group.empty() ? "id" : config.data.group);
  std::map<std::string, Unit> units;
  for (const std::int64_t row : dataset.train) units[names[std::size_t(row)]].rows.push_back(row);
  Strata strata;
  for (auto& [name, unit] : units) {
    RandomStream random({.seed = std::uint64_t(config.seed),
                         .purpose = Purpose::kSubset,
                         .sample = std::stoull(sha256(name).substr(0, 16), nullptr, 16)});
    unit.order = random.next64();
    strata[stratum_of(dataset, unit.rows.front())].push_back(std::move(unit));
  }
  for (auto& [stratum, members] : strata) {
    std::sort(members.begin(), members.end(),
              [](const Unit& a, const Unit& b) { return std::pair(a.order, a.rows) < std::pair(b.order, b.rows); });
  }
  return strata;
}

// As many whole units as fit into the share.
void take(const std::vector<Unit>& members, std::size_t share, std::vector<std::int64_t>& kept) {
  std::size_t taken = 0;
  for (const Unit& unit : members) {
    if (taken + unit.rows.size() > share) continue;
    taken += unit.rows.size();
    kept.insert(kept.end(), unit.rows.begin(), unit.rows.end());
  }
}

}  // namespace

std::vector<std::int64_t> limit_train(const RunConfig& config, const Dataset& dataset) {
  const auto limit = static_cast<std::size_t>(config.data.limit.value_or(0));
  if (limit == 0 || limit >= dataset.train.size()) return dataset.train;
  std::vector<std::int64_t> kept;
  std::size_t seen = 0;
  for (const auto& [stratum, members] : sort_into_strata(config, dataset)) {
    std::size_t rows = 0;
    for (const Unit& unit : members) rows += unit.rows.size();
    // Shares are cut on a running total, so that rounding never adds up to another number than the limit.
    const std::size_t before = limit * seen / dataset.train.size();
    take(members, limit * (seen + rows) / dataset.train.size() - before, kept);
    seen += rows;
  }
  if (kept.empty()) {
    throw DataError(
        "{}: data.limit ({}) leaves none of the {} train rows: each group of column {} has more rows than its classes' "
        "share of the limit, and groups stay whole; raise data.limit",
        dataset.crops.path().string(), limit, dataset.train.size(),
        config.data.group.empty() ? "id" : config.data.group);
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

}  // namespace pleat
