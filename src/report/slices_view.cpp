#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "base/utf8.h"
#include "base/wording.h"
#include "report/page_blocks.h"
#include "report/views.h"
#include "target/target.h"

namespace pleat {
namespace {

constexpr std::size_t kMostClasses = 100;  // listed
constexpr std::size_t kMostColumns = 12;
constexpr std::size_t kMostValues = 20;  // of a column
constexpr std::size_t kFewRows = 5;      // a slice with fewer has no interval
constexpr int kSliceResamples = 200;

// Places in the plan by value of a column.
using Slices = std::vector<std::pair<std::string, std::vector<std::int64_t>>>;

PageTable class_scores(const JudgedTarget& target) {
  const std::size_t classes = target.table->classes.size();
  std::vector<std::int64_t> rows(classes), guesses(classes), hits(classes);
  for (std::size_t row = 0; row < target.label.size(); ++row) {
    ++rows[std::size_t(target.label[row])];
    ++guesses[std::size_t(target.guess[row])];
    if (target.label[row] == target.guess[row]) ++hits[std::size_t(target.label[row])];
  }
  std::vector<std::size_t> order(classes);
  std::iota(order.begin(), order.end(), 0);
  const auto& f1 = target.intervals.class_f1;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return f1[a].value < f1[b].value; });
  PageTable table{
      .caption = fmt::format("{}: classes, the worst first{}", shown(target.table->target, 60),
                             classes > kMostClasses ? fmt::format("; {} of {}", kMostClasses, grouped(classes)) : ""),
      .head = {"class", "F1", "95 % interval", "precision", "recall", "rows", "predicted"}};
  const auto share = [](std::int64_t part, std::int64_t whole) {
    return whole == 0 ? std::string("–") : fmt::format("{:.3f}", double(part) / double(whole));
  };
  for (std::size_t i = 0; i < std::min(kMostClasses, classes); ++i) {
    const std::size_t c = order[i];
    table.rows.push_back({{class_text(*target.table, std::int64_t(c))},
                          {fmt::format("{:.3f}", f1[c].value)},
                          {f1[c].high > 0 ? fmt::format("{:.3f} to {:.3f}", f1[c].low, f1[c].high) : "–"},
                          {share(hits[c], guesses[c])},
                          {share(hits[c], rows[c])},
                          {grouped(std::size_t(rows[c]))},
                          {grouped(std::size_t(guesses[c]))}});
  }
  return table;
}

// Fifths of a column of numbers. Empty if a value is no number.
Slices fifths(const std::vector<const std::string*>& values) {
  std::vector<std::pair<double, std::int64_t>> numbers;
  for (std::size_t row = 0; row < values.size(); ++row) {
    const std::optional<double> number = number_of(*values[row]);
    if (!number) return {};
    numbers.emplace_back(*number, std::int64_t(row));
  }
  std::stable_sort(numbers.begin(), numbers.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Slices slices;
  constexpr std::size_t kParts = 5;
  std::size_t first = 0;
  for (std::size_t part = 1; part <= kParts; ++part) {
    std::size_t last = numbers.size() * part / kParts;
    while (last > 0 && last < numbers.size() && numbers[last].first == numbers[last - 1].first)
      ++last;  // equal values stay together
    if (last <= first) continue;
    auto& [name, rows] = slices.emplace_back(fmt::format("{:g} to {:g}", numbers[first].first, numbers[last - 1].first),
                                             std::vector<std::int64_t>{});
    for (std::size_t i = first; i < last; ++i) rows.push_back(numbers[i].second);
    first = last;
  }
  return slices;
}

// By value, the most frequent first. Empty if the column has one value, or too many for slices.
Slices by_value(const std::vector<const std::string*>& values) {
  std::map<std::string, std::vector<std::int64_t>> rows;
  for (std::size_t row = 0; row < values.size(); ++row) rows[*values[row]].push_back(std::int64_t(row));
  if (rows.size() < 2) return {};
  if (rows.size() > kMostValues) {
    if (Slices parts = fifths(values); parts.size() > 1) return parts;
    if (rows.size() * 4 > values.size()) return {};  // names or paths
  }
  Slices slices;
  for (auto& [value, mine] : rows) slices.emplace_back(value.empty() ? "(empty)" : shown(value, 60), std::move(mine));
  std::stable_sort(slices.begin(), slices.end(),
                   [](const auto& a, const auto& b) { return a.second.size() > b.second.size(); });
  if (slices.size() > kMostValues) {
    slices.resize(kMostValues);
    slices.back().first += " (further values are not shown)";
  }
  return slices;
}

struct Column {
  std::string name;
  Slices slices;
};

bool is_group_column(const FoldPlan& plan, const std::vector<const std::string*>& values) {
  for (std::size_t row = 0; row < values.size(); ++row)
    if (*values[row] != plan.groups[row]) return false;
  return true;
}

std::vector<Column> columns_of(const ReportData& data) {
  std::vector<Column> columns;
  const CropFile* crops = data.album.crops();
  if (crops == nullptr) return columns;
  std::vector<std::size_t> rows;
  for (const std::string& id : data.plan().ids) {
    const std::optional<std::size_t> row = data.album.row_of(id);
    if (!row) return columns;
    rows.push_back(*row);
  }
  for (std::size_t c = 0; c < crops->table().names.size() && columns.size() < kMostColumns; ++c) {
    const std::string& name = crops->table().names[c];
    if (name == "id" || name == "path" || name == "split") continue;
    std::vector<const std::string*> values;
    for (const std::size_t row : rows) values.push_back(&crops->table().values[c][row]);
    if (is_group_column(data.plan(), values)) continue;
    if (Slices slices = by_value(values); !slices.empty()) columns.push_back({name, std::move(slices)});
  }
  return columns;
}

// The target's own column: each slice has one label.
bool is_target(const JudgedTarget& target, const Slices& slices) {
  return std::all_of(slices.begin(), slices.end(), [&](const auto& slice) {
    return std::all_of(slice.second.begin(), slice.second.end(), [&](std::int64_t row) {
      return target.label[std::size_t(row)] == target.label[std::size_t(slice.second.front())];
    });
  });
}

Interval accuracy_of(const ReportData& data, const OofTable& table, const std::vector<std::int64_t>& rows) {
  std::vector<std::string> groups;
  for (const std::int64_t row : rows) groups.push_back(data.plan().groups[std::size_t(row)]);
  const torch::Tensor places = at::tensor(rows, at::kLong);
  const GroupBootstrap bootstrap({table.ensemble.index_select(0, places)}, table.labels.index_select(0, places),
                                 group_rows(groups), "accuracy");
  return bootstrap.intervals(kSliceResamples).score;
}

// Slices are compared by accuracy: macro F1 would count classes that a slice lacks as 0.
PageTable slice_table(const ReportData& data, const JudgedTarget& target, const Column& column, const Interval& all) {
  PageTable table{.head = {shown(column.name, 60), "rows", "accuracy", "95 % interval"},
                  .folded = fmt::format("By {}", shown(column.name, 60))};
  for (const auto& [value, rows] : column.slices) {
    const Interval accuracy = accuracy_of(data, *target.table, rows);
    const bool low = accuracy.high<all.low, high = accuracy.low> all.high, few = rows.size() < kFewRows;
    table.rows.push_back({{value},
                          {grouped(rows.size())},
                          {fmt::format("{:.4f}", accuracy.value), few    ? ""
                                                                  : low  ? "bad"
                                                                  : high ? "good"
                                                                         : ""},
                          {few ? "too few" : fmt::format("{:.4f} to {:.4f}", accuracy.low, accuracy.high)}});
  }
  return table;
}

}  // namespace

Json slices_view(const ReportData& data) {
  Json section = page_section("classes", "Classes and slices");
  if (data.targets.empty()) return section;
  const std::vector<Column> columns = columns_of(data);
  for (const JudgedTarget& target : data.targets) {
    add_block(section, table_block(class_scores(target)));
    std::vector<std::int64_t> every(target.label.size());
    std::iota(every.begin(), every.end(), 0);
    const Interval all = columns.empty() ? Interval{} : accuracy_of(data, *target.table, every);
    for (const Column& column : columns) {
      if (!is_target(target, column.slices)) add_block(section, table_block(slice_table(data, target, column, all)));
    }
  }
  return section;
}

}  // namespace pleat
