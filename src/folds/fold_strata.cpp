#include "folds/fold_strata.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <string_view>
#include <unordered_map>

namespace pleat {
namespace {

std::size_t index(int value) { return static_cast<std::size_t>(value); }

std::vector<int> number_pairs(const std::vector<int>& first, const std::vector<int>& second) {
  std::vector<std::pair<int, int>> pairs;
  pairs.reserve(first.size());
  for (std::size_t row = 0; row < first.size(); ++row) pairs.emplace_back(first[row], second[row]);
  std::vector<std::pair<int, int>> distinct = pairs;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<int> numbers;
  numbers.reserve(pairs.size());
  for (const auto& pair : pairs) {
    numbers.push_back(static_cast<int>(std::lower_bound(distinct.begin(), distinct.end(), pair) - distinct.begin()));
  }
  return numbers;
}

// Combines two columns at a time and renumbers: the product of all columns' class counts could overflow.
std::vector<int> number_products(const std::vector<Codes>& columns) {
  std::vector<int> product = columns.front().of_row;
  for (std::size_t i = 1; i < columns.size(); ++i) product = number_pairs(product, columns[i].of_row);
  return product;
}

std::vector<std::size_t> rows_by_group(const Codes& groups) {
  std::vector<std::size_t> rows(groups.of_row.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  std::sort(rows.begin(), rows.end(), [&groups](std::size_t a, std::size_t b) {
    return std::pair(groups.of_row[a], a) < std::pair(groups.of_row[b], b);
  });
  return rows;
}

void count_classes(Partition& partition, const Codes& groups, const std::vector<std::size_t>& by_group) {
  const auto classes = index(*std::max_element(partition.class_of_row.begin(), partition.class_of_row.end())) + 1;
  partition.rows.assign(classes, 0);
  partition.groups.assign(classes, 0);
  std::vector<int> last_group(classes, -1);
  for (const std::size_t row : by_group) {
    const auto c = index(partition.class_of_row[row]);
    ++partition.rows[c];
    if (last_group[c] != groups.of_row[row]) ++partition.groups[c];
    last_group[c] = groups.of_row[row];
  }
}

std::vector<Partition> make_partitions(const std::vector<Codes>& columns, const Codes& groups,
                                       const std::vector<std::size_t>& by_group) {
  std::vector<Partition> partitions;
  partitions.push_back({.kind = Partition::Kind::kRows, .class_of_row = std::vector<int>(groups.of_row.size(), 0)});
  for (std::size_t i = 0; i < columns.size(); ++i) {
    partitions.push_back({.kind = Partition::Kind::kColumn, .column = i, .class_of_row = columns[i].of_row});
  }
  if (columns.size() > 1) {
    partitions.push_back({.kind = Partition::Kind::kProduct, .class_of_row = number_products(columns)});
  }
  for (Partition& partition : partitions) count_classes(partition, groups, by_group);
  return partitions;
}

// Cost of a fold without a class: `reachable` if the class could be in every fold, `rare` if it has too few groups.
struct Absence {
  double reachable = 0, rare = 0;
};

void add_cells(const Partition& partition, int k, double share, Absence absence, BalanceProblem& problem) {
  // All rows pull half as much as a class: in trials, this left the judge the least to improve.
  const double pull = partition.kind == Partition::Kind::kRows ? 0.5 : 1.0;
  for (std::size_t c = 0; c < partition.classes(); ++c) {
    const auto total = static_cast<double>(partition.rows[c]);
    problem.cells.push_back(
        {.total = total,
         .absence = partition.groups[c] >= k ? absence.reachable : absence.rare,
         .share = share / static_cast<double>(partition.classes()),
         .pull = pull * k / total});  // as in chi-squared, so that rare classes count as much as common ones
  }
}

// Each kind of cost outweighs all later kinds together: an empty fold, a missing reachable class, a missing rare class,
// a missing combination of classes, any deviation. Powers of two, so that sums are exact.
void make_cells(const std::vector<Partition>& partitions, std::size_t rows, int k, BalanceProblem& problem) {
  std::size_t cells = 0;
  for (const Partition& partition : partitions) cells += partition.classes();
  const auto step = static_cast<double>(std::bit_ceil(2 * cells * index(k)));
  const auto combination = static_cast<double>(std::bit_ceil(8 * rows * index(k) * partitions.size()));
  const double rare = combination * step, reachable = rare * step, empty = reachable * step;
  const double share = 1 / static_cast<double>(std::max<std::size_t>(1, partitions.size() - 1));
  for (const Partition& partition : partitions) {
    switch (partition.kind) {
      case Partition::Kind::kRows:
        add_cells(partition, k, 0, {empty, empty}, problem);
        break;
      case Partition::Kind::kColumn:
        add_cells(partition, k, share, {reachable, rare}, problem);
        break;
      case Partition::Kind::kProduct:
        add_cells(partition, k, share, {combination, combination}, problem);
        break;
    }
  }
}

using Counts = std::vector<CellCount>;

Counts count_cells(const std::vector<Partition>& partitions, std::span<const std::size_t> rows) {
  Counts counts;
  std::vector<int> cells;
  int first_cell = 0;
  for (const Partition& partition : partitions) {
    cells.clear();
    for (const std::size_t row : rows) cells.push_back(first_cell + partition.class_of_row[row]);
    std::sort(cells.begin(), cells.end());
    for (const int cell : cells) {
      if (counts.empty() || counts.back().cell != cell) counts.push_back({cell, 0});
      ++counts.back().rows;
    }
    first_cell += static_cast<int>(partition.classes());
  }
  return counts;
}

// Hashes a type's counts, to look up the type.
struct CountsHash {
  std::size_t operator()(const Counts& counts) const {
    std::size_t hash = 0;
    for (const auto& [cell, rows] : counts) {
      hash = (hash ^ (static_cast<std::size_t>(cell) << 32 | index(rows))) * 0x9E3779B97F4A7C15ULL;
      hash ^= hash >> 32;
    }
    return hash;
  }
};

// Numbers types in the order of their first group's name, so that the order of the rows does not matter.
void make_types(const std::vector<std::size_t>& by_group, FoldStrata& strata) {
  std::unordered_map<Counts, std::size_t, CountsHash> type_of;
  const std::span<const std::size_t> rows(by_group);
  for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    const int group = strata.groups.of_row[rows[begin]];
    while (end < rows.size() && strata.groups.of_row[rows[end]] == group) ++end;
    const Counts counts = count_cells(strata.partitions, rows.subspan(begin, end - begin));
    const auto [found, is_new] = type_of.emplace(counts, strata.problem.types.size());
    if (is_new) {
      strata.problem.types.push_back(counts);
      strata.members.emplace_back();
    }
    strata.members[found->second].push_back(group);
  }
  for (const auto& members : strata.members) strata.problem.groups_of_type.push_back(static_cast<int>(members.size()));
}

}  // namespace

Codes encode(const std::vector<std::string>& values) {
  std::unordered_map<std::string_view, int> code;
  code.reserve(values.size());
  for (const std::string& value : values) code.emplace(value, 0);
  std::vector<std::string_view> sorted;
  sorted.reserve(code.size());
  for (const auto& entry : code) sorted.push_back(entry.first);
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i) code[sorted[i]] = static_cast<int>(i);

  Codes codes{.names = {sorted.begin(), sorted.end()}};
  codes.of_row.reserve(values.size());
  for (const std::string& value : values) codes.of_row.push_back(code.find(value)->second);
  return codes;
}

FoldStrata make_strata(const FoldRequest& request) {
  FoldStrata strata{.groups = encode(request.groups.empty() ? request.ids : request.groups)};
  for (const auto& column : request.strata) strata.columns.push_back(encode(column));
  const std::vector<std::size_t> by_group = rows_by_group(strata.groups);
  strata.partitions = make_partitions(strata.columns, strata.groups, by_group);
  strata.problem.k = request.k;
  make_cells(strata.partitions, request.ids.size(), request.k, strata.problem);
  make_types(by_group, strata);
  return strata;
}

}  // namespace pleat
