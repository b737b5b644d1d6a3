#include "run/column_uses.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "base/same_text.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "target/target.h"

namespace pleat {
namespace {

using Column = std::vector<std::string>;

constexpr std::size_t kMostClasses = 32, kLeastRows = 2;  // rows of a class
constexpr std::array<std::string_view, 18> kGroupNames = {
    "group",     "group_id", "person",  "person_id", "patient",   "patient_id", "subject",   "subject_id", "individual",
    "animal_id", "user",     "user_id", "identity",  "lesion_id", "object_id",  "series_id", "scene",      "session"};

std::map<std::string, std::size_t> counts_of(const Column& column, const std::vector<std::size_t>& rows) {
  std::map<std::string, std::size_t> counts;
  for (const std::size_t row : rows) ++counts[column[row]];
  return counts;
}

// Why the column cannot be data.group; nullptr if it can.
const char* group_fault(const Column& column, const SplitRows& rows, std::size_t groups) {
  std::vector<std::string_view> values;
  for (const std::size_t row : rows.train) {
    if (reading_of(column[row]).empty()) return "some train rows have no value";
    values.emplace_back(column[row]);
  }
  if (groups < 2) return "there is only one group";
  if (!alike_values(values).empty()) return "some groups have two spellings; correct them first";
  return nullptr;
}

bool is_group_name(const std::string& name) {
  std::string plain = name;
  for (char& c : plain) c = c == ' ' || c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(kGroupNames.begin(), kGroupNames.end(), plain) != kGroupNames.end();
}

// Edges that cut the sorted numbers into three classes of similar size, or two, or none.
std::vector<double> edges_of(const std::vector<double>& sorted, std::size_t& smallest) {
  for (const std::size_t classes : {3U, 2U}) {
    std::vector<double> edges;
    for (std::size_t c = 1; c < classes; ++c) edges.push_back(sorted[c * sorted.size() / classes]);
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    std::size_t begin = 0;
    smallest = sorted.size();
    for (std::size_t e = 0; e <= edges.size(); ++e) {
      const auto end = e == edges.size() ? sorted.end() : std::lower_bound(sorted.begin(), sorted.end(), edges[e]);
      smallest = std::min(smallest, static_cast<std::size_t>(end - sorted.begin()) - begin);
      begin = static_cast<std::size_t>(end - sorted.begin());
    }
    if (smallest >= kLeastRows) return edges;
  }
  return {};
}

std::optional<std::vector<double>> numbers_in(const Column& column, const SplitRows& rows) {
  std::vector<double> numbers;
  for (const std::size_t row : rows.train) {
    const auto number = number_of(column[row]);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  for (const std::size_t row : rows.test) {
    if (!column[row].empty() && !number_of(column[row])) return std::nullopt;
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

void examine_numbers(const std::vector<double>& numbers, TargetColumn& candidate) {
  candidate.least = numbers.front(), candidate.most = numbers.back();
  candidate.edges = edges_of(numbers, candidate.smallest);
  if (candidate.edges.empty()) candidate.fault = "its numbers cannot be cut into classes";
}

void examine_classes(const Column& column, const SplitRows& rows, TargetColumn& candidate) {
  candidate.smallest = rows.train.size();
  std::string rarest;
  for (const auto& [name, count] : candidate.classes) {
    if (count < candidate.smallest) candidate.smallest = count, rarest = name;
  }
  if (candidate.classes.size() < 2) candidate.fault = "all train rows have one value";
  if (candidate.fault.empty() && candidate.smallest < kLeastRows)
    candidate.fault = fmt::format("the class '{}' has only one train row", shown(rarest));
  for (const auto& [name, count] : counts_of(column, rows.test)) {
    if (!name.empty() && !candidate.classes.contains(name)) candidate.only_in_test.push_back(name);
  }
}

TargetColumn examine(const std::string& name, const Column& column, const SplitRows& rows) {
  TargetColumn candidate{.column = name, .classes = counts_of(column, rows.train)};
  const std::size_t values = candidate.classes.size();
  if (const auto empty = candidate.classes.find(""); empty != candidate.classes.end()) {
    candidate.fault = fmt::format("{} without a value (give labels, or the split unlabelled)",
                                  counted(std::int64_t(empty->second), "train row"));
  } else if (values <= kMostClasses) {
    examine_classes(column, rows, candidate);
  } else if (const auto numbers = numbers_in(column, rows)) {
    candidate.classes.clear();
    examine_numbers(*numbers, candidate);
  } else {
    candidate.fault =
        fmt::format("{} different values, such as '{}'", grouped(values), shown(candidate.classes.begin()->first, 40));
  }
  return candidate;
}

}  // namespace

SplitRows::SplitRows(const CropFile& crops) {
  const Column* split = crops.table().find("split");
  for (std::size_t row = 0; row < crops.rows(); ++row) {
    if (!crops.valid(row)) continue;
    const std::string name = split ? (*split)[row] : "";
    if (name.empty() || name == "train")
      train.push_back(row);
    else if (name == "test")
      test.push_back(row);
    else
      ++unlabelled;
  }
}

ColumnUses sort_columns(const SampleTable& table, const SplitRows& rows) {
  ColumnUses columns;
  for (std::size_t i = 0; i < table.names.size(); ++i) {
    const std::string& name = table.names[i];
    if (name == "id" || name == "path" || name == "split") continue;
    if (is_group_name(name)) {
      const std::size_t groups = counts_of(table.values[i], rows.train).size();
      const char* fault = group_fault(table.values[i], rows, groups);
      if (fault == nullptr && !columns.group) {
        columns.group = {name, groups};
        continue;
      }
      columns.notes.push_back(
          fmt::format("column {} is not the group: {}", shown(name), fault ? fault : columns.group->column + " is"));
      continue;
    }
    TargetColumn candidate = examine(name, table.values[i], rows);
    if (candidate.fault.empty())
      columns.targets.push_back(std::move(candidate));
    else
      columns.notes.push_back(fmt::format("column {} is no target: {}", shown(name), candidate.fault));
  }
  // Names that say it, then classes, then numbers.
  const auto rank = [](const TargetColumn& each) {
    const bool named = each.column == "label" || each.column == "class" || each.column == "target";
    return named ? 0 : each.edges.empty() ? 1 : 2;
  };
  std::stable_sort(columns.targets.begin(), columns.targets.end(),
                   [&](const TargetColumn& a, const TargetColumn& b) { return rank(a) < rank(b); });
  return columns;
}

}  // namespace pleat
