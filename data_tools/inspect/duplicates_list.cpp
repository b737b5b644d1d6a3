#include "data_tools/inspect/duplicates_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "data_tools/inspect/data_report.h"
#include "data_tools/inspect/preview.h"

namespace pleat {
namespace {

constexpr std::size_t kMostSets = 30, kMostPictures = 8;  // on the sheet
constexpr std::size_t kLongestCaption = 48;               // characters

// The columns in which copies should not differ, the most serious first.
std::vector<std::string> columns_to_compare(const SampleTable& table) {
  std::vector<std::string> columns = class_columns(table);
  for (const std::string& name : {std::string("split"), group_column_name(table)}) {
    if (!name.empty() && table.find(name) != nullptr) columns.push_back(name);
  }
  return columns;
}

// The first of these columns in which the copies differ; columns.size() if they differ in none.
std::size_t first_differing_column(const Copies& copies, const SampleTable& table,
                                   const std::vector<std::string>& columns) {
  const auto differs = [&](const std::string& name) { return copies_differ(copies, table.find(name)); };
  return static_cast<std::size_t>(std::find_if(columns.begin(), columns.end(), differs) - columns.begin());
}

std::string caption_of(std::size_t number, const Copies& copies, const SampleTable& table,
                       const std::vector<std::string>& columns) {
  const std::string set = fmt::format("set {}", number);
  const std::size_t column = first_differing_column(copies, table, columns);
  if (column == columns.size()) return set;
  std::vector<std::string> values;
  for (const std::size_t row : copies) {
    const std::string& value = table.column(columns[column])[row];
    if (!value.empty() && std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  }
  std::string text = fmt::format("{}, {}: {}", set, columns[column], values[0]);
  for (std::size_t i = 1; i < values.size(); ++i) text += " | " + values[i];
  return sheet_caption(text, kLongestCaption);
}

}  // namespace

std::string duplicates_csv(const CropFile& crops, const Duplicates& duplicates) {
  std::unordered_set<std::size_t> exact;
  for (const Copies& copies : duplicates.exact) exact.insert(copies.begin(), copies.end());
  std::string text = kDuplicatesHeader;
  std::size_t number = 0;
  for (const Copies& copies : all_sets(duplicates)) {
    ++number;
    for (const std::size_t row : copies) {
      text += fmt::format("{},{},{},{:.2f}\n", number, csv_field(crops.table().column("id")[row]),
                          exact.contains(row) ? "equal" : "near", mean_difference(crops, copies.front(), row));
    }
  }
  return text;
}

std::vector<SheetRow> duplicates_sheet(const CropFile& crops, const Duplicates& duplicates) {
  const SampleTable& table = crops.table();
  const std::vector<std::string> columns = columns_to_compare(table);
  const std::vector<Copies> sets = all_sets(duplicates);
  std::vector<std::pair<std::size_t, std::size_t>> order;  // first differing column, place in sets
  for (std::size_t i = 0; i < sets.size(); ++i) order.emplace_back(first_differing_column(sets[i], table, columns), i);
  std::sort(order.begin(), order.end());
  order.resize(std::min(kMostSets, order.size()));
  std::vector<SheetRow> sheet;
  for (const auto& [column, place] : order) {
    const Copies& copies = sets[place];
    SheetRow& line = sheet.emplace_back(SheetRow{.caption = caption_of(place + 1, copies, table, columns)});
    for (std::size_t i = 0; i < std::min(kMostPictures, copies.size()); ++i)
      line.pictures.push_back(crop_picture(crops, copies[i]));
  }
  return sheet;
}

}  // namespace pleat
