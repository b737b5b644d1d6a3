#include "folds/fold_plan.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <string_view>
#include <unordered_set>

#include "base/error.h"
#include "base/random.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "folds/fold_balance.h"
#include "folds/fold_strata.h"

namespace pleat {
namespace {

std::size_t index(int value) { return static_cast<std::size_t>(value); }

// The rows' file, as the start of an error.
std::string from(const FoldRequest& request) { return request.source.empty() ? "" : request.source + ": "; }

void check_request(const FoldRequest& request) {
  const std::size_t rows = request.ids.size();
  const bool fits = (request.groups.empty() || request.groups.size() == rows) && request.k >= 2 &&
                    request.repeats >= 1 && request.strata.size() == request.strata_names.size() &&
                    std::all_of(request.strata.begin(), request.strata.end(),
                                [rows](const auto& column) { return column.size() == rows; });
  if (!fits) throw std::invalid_argument("make_folds: columns of different lengths, or k < 2, or repeats < 1");
  if (rows < index(request.k)) {
    throw DataError("{}{} labelled train rows cannot be cut into {} folds; lower folds.k or add rows", from(request),
                    rows, request.k);
  }
  std::unordered_set<std::string_view> seen;
  seen.reserve(rows);
  for (const std::string& id : request.ids) {
    if (!seen.insert(id).second)
      throw DataError("{}id '{}' appears twice; a fold plan needs unique ids", from(request), shown(id));
  }
}

// Warnings that may occur once per class: logs the first few, then the number of further ones.
class FewWarnings {
 public:
  explicit FewWarnings(std::string what) : what_(std::move(what)) {}
  ~FewWarnings() {
    if (count_ > kInFull) spdlog::warn("… and {} more {}", count_ - kInFull, what_);
  }
  FewWarnings(const FewWarnings&) = delete;
  void add(const std::string& text) {
    if (++count_ <= kInFull) spdlog::warn("{}", text);
  }

 private:
  static constexpr int kInFull = 5;
  std::string what_;
  int count_ = 0;
};

bool is_number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
}

// Many different numbers are a quantity rather than classes.
bool is_quantity(const std::vector<std::string>& names) {
  constexpr std::size_t kMany = 20;
  return names.size() > kMany && std::all_of(names.begin(), names.end(), is_number);
}

void check_class(const FoldRequest& request, const std::string& column, const std::string& name, bool quantity,
                 std::int64_t rows, int groups, FewWarnings& warnings) {
  if (rows < request.k) {
    throw DataError(
        "{}column '{}': class '{}' has {}, fewer than the {} folds; lower folds.k, merge the class into another, "
        "{}or leave '{}' out of folds.stratify",
        from(request), column, shown(name), counted(rows, "row"), request.k,
        quantity ? "give the target edges if these are amounts, " : "", column);
  }
  if (groups < request.k) {
    warnings.add(fmt::format("column '{}': class '{}' occurs in only {}, so {} of {} folds hold none of it", column,
                             shown(name), counted(groups, "group"), request.k - groups, request.k));
  }
}

void check_strata(const FoldRequest& request, const FoldStrata& strata) {
  if (strata.groups.count() < request.k) {
    throw DataError("{}{} cannot be cut into {} folds, since a group stays whole; lower folds.k or add groups",
                    from(request), counted(std::int64_t(strata.groups.count()), "group"), request.k);
  }
  FewWarnings warnings("classes in fewer groups than folds; does each column in folds.stratify hold classes?");
  for (const Partition& partition : strata.partitions) {
    if (partition.kind != Partition::Kind::kColumn) continue;
    const std::vector<std::string>& names = strata.columns[partition.column].names;
    for (std::size_t c = 0; c < partition.classes(); ++c) {
      check_class(request, request.strata_names[partition.column], names[c], is_quantity(names), partition.rows[c],
                  partition.groups[c], warnings);
    }
  }
}

// FNV-1a: the same on every machine, unlike std::hash.
std::uint64_t hash_name(std::string_view name) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001B3ULL;
  return hash;
}

// Orders equal groups at random. Each group has its own draw, so its place does not depend on which other rows exist.
std::vector<int> in_random_order(const std::vector<int>& groups, const Codes& names, RandomKey key) {
  std::vector<std::pair<std::uint64_t, int>> drawn;
  drawn.reserve(groups.size());
  for (const int group : groups) {
    key.sample = hash_name(names.names[index(group)]);
    drawn.emplace_back(RandomStream(key).next64(), group);
  }
  std::sort(drawn.begin(), drawn.end());
  std::vector<int> ordered;
  ordered.reserve(groups.size());
  for (const auto& [draw, group] : drawn) ordered.push_back(group);
  return ordered;
}

std::vector<int> deal(const FoldStrata& strata, std::uint64_t seed, int repeat) {
  const RandomKey key{.seed = seed, .purpose = Purpose::kFolds, .fold = static_cast<std::uint32_t>(repeat)};
  RandomKey balance_key = key;
  balance_key.part = 1;
  RandomStream random(balance_key);
  const std::vector<int> dealt = balance(strata.problem, random);
  const std::size_t k = index(strata.problem.k);
  std::vector<int> fold_of_group(strata.groups.names.size(), 0);
  for (std::size_t type = 0; type < strata.members.size(); ++type) {
    std::size_t next = 0;
    const std::vector<int> members = in_random_order(strata.members[type], strata.groups, key);
    for (std::size_t fold = 0; fold < k; ++fold) {
      for (int i = 0; i < dealt[type * k + fold]; ++i) fold_of_group[index(members[next++])] = static_cast<int>(fold);
    }
  }
  std::vector<int> fold_of_row;
  fold_of_row.reserve(strata.groups.of_row.size());
  for (const int group : strata.groups.of_row) fold_of_row.push_back(fold_of_group[index(group)]);
  return fold_of_row;
}

// Warns of classes that could be in every fold but are not. Rare, since balance() puts absences before all else.
void warn_of_absent(const FoldRequest& request, const FoldStrata& strata, const std::vector<int>& fold_of_row) {
  const std::size_t k = index(request.k);
  FewWarnings warnings("folds without a class");
  for (const Partition& partition : strata.partitions) {
    if (partition.kind != Partition::Kind::kColumn) continue;
    std::vector<std::int64_t> rows(partition.classes() * k, 0);
    for (std::size_t row = 0; row < fold_of_row.size(); ++row) {
      ++rows[index(partition.class_of_row[row]) * k + index(fold_of_row[row])];
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] > 0 || partition.groups[i / k] < request.k) continue;
      warnings.add(fmt::format(
          "column '{}': fold {} holds no row of class '{}'; no plan with all classes in every fold was found",
          request.strata_names[partition.column], i % k, shown(strata.columns[partition.column].names[i / k])));
    }
  }
}

std::vector<std::size_t> rows_where(const FoldPlan& plan, FoldId fold, bool held_out) {
  if (fold.value < 0 || fold.value >= plan.folds()) throw std::out_of_range("the plan has no such fold");
  const auto& fold_of = plan.fold_of[index(fold.value / plan.k)];
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < fold_of.size(); ++row) {
    if ((fold_of[row] == fold.value % plan.k) == held_out) rows.push_back(row);
  }
  return rows;
}

}  // namespace

FoldPlan make_folds(const FoldRequest& request) {
  check_request(request);
  const FoldStrata strata = make_strata(request);
  check_strata(request, strata);
  FoldPlan plan{.k = request.k,
                .repeats = request.repeats,
                .ids = request.ids,
                .groups = request.groups.empty() ? request.ids : request.groups};
  for (int repeat = 0; repeat < request.repeats; ++repeat) {
    plan.fold_of.push_back(deal(strata, request.seed, repeat));
    warn_of_absent(request, strata, plan.fold_of.back());
  }
  return plan;
}

std::vector<std::size_t> held_out(const FoldPlan& plan, FoldId fold) { return rows_where(plan, fold, true); }
std::vector<std::size_t> trained_on(const FoldPlan& plan, FoldId fold) { return rows_where(plan, fold, false); }

}  // namespace pleat
