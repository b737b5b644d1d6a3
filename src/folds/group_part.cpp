#include "folds/group_part.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/files.h"

namespace pleat {
namespace {

// Rows of one group, which are kept or left out together.
struct Unit {
  std::uint64_t order;  // its random rank within its stratum
  std::vector<std::size_t> rows;
};
using Strata = std::map<std::string, std::vector<Unit>>;

Strata sort_into_strata(const std::vector<std::string>& groups, const std::vector<std::string>& strata, RandomKey key) {
  std::map<std::string, Unit> units;
  for (std::size_t row = 0; row < groups.size(); ++row) units[groups[row]].rows.push_back(row);
  Strata sorted;
  for (auto& [name, unit] : units) {
    key.sample = std::stoull(sha256(name).substr(0, 16), nullptr, 16);
    unit.order = RandomStream(key).next64();
    sorted[strata[unit.rows.front()]].push_back(std::move(unit));
  }
  for (auto& [stratum, members] : sorted) {
    std::sort(members.begin(), members.end(),
              [](const Unit& a, const Unit& b) { return std::pair(a.order, a.rows) < std::pair(b.order, b.rows); });
  }
  return sorted;
}

// Keeps whole units, as long as no more than `most` rows are kept in all.
void take(const std::vector<Unit>& members, std::size_t most, std::vector<std::size_t>& kept) {
  for (const Unit& unit : members) {
    if (kept.size() + unit.rows.size() <= most) kept.insert(kept.end(), unit.rows.begin(), unit.rows.end());
  }
}

}  // namespace

std::vector<std::size_t> part_of_groups(const std::vector<std::string>& groups, const std::vector<std::string>& strata,
                                        std::size_t count, RandomKey key) {
  std::vector<std::size_t> kept;
  std::size_t seen = 0;
  for (const auto& [stratum, members] : sort_into_strata(groups, strata, key)) {
    for (const Unit& unit : members) seen += unit.rows.size();
    // The limit is a running total: places that a stratum's groups are too large for pass to the next stratum, and
    // rounding does not add up.
    take(members, count * seen / groups.size(), kept);
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

}  // namespace pleat
