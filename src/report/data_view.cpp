#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/files.h"
#include "base/side_file.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "data/sample_table.h"
#include "data_tools/inspect/data_report.h"
#include "report/json_values.h"
#include "report/page_blocks.h"
#include "report/views.h"

namespace pleat {
namespace {

constexpr std::size_t kMostSets = 15;  // of copies, with photos
constexpr std::size_t kMostOfSet = 6;
constexpr std::size_t kMostClasses = 30;  // in a table of splits

std::string count_of(const Json& json, const char* key) {
  const auto number = number_in(json, key);
  return number ? grouped(static_cast<std::size_t>(*number)) : "–";
}

void add_splits(const Json& report, Json& section) {
  const Json splits = report.value("splits", Json::object());
  PageTable table{.caption = "Splits", .head = {"split", "rows", "without a picture", "groups"}};
  for (const auto& [name, split] : splits.items())
    table.rows.push_back({{shown(name, 60)},
                          {count_of(split, "rows")},
                          {count_of(split, "without_picture")},
                          {count_of(split, "groups")}});
  add_block(section, table_block(table));
  std::map<std::string, std::map<std::string, std::map<std::string, std::string>>>
      columns;  // column, value, split: rows
  for (const auto& [name, split] : splits.items()) {
    const Json classes = split.value("classes", Json::object());
    for (const auto& [column, values] : classes.items())
      for (const auto& [value, rows] : values.items())
        if (rows.is_number()) columns[column][value][name] = grouped(rows.get<std::size_t>());
  }
  for (const auto& [column, values] : columns) {
    PageTable classes{
        .caption = "", .head = {shown(column, 60)}, .folded = fmt::format("Values of {}", shown(column, 60))};
    for (const auto& [name, split] : splits.items()) classes.head.push_back(shown(name, 60));
    for (const auto& [value, rows] : values) {
      if (classes.rows.size() == kMostClasses) break;
      std::vector<TableCell> cells{{value.empty() ? "(empty)" : shown(value, 60)}};
      for (const auto& [name, split] : splits.items()) cells.push_back({rows.contains(name) ? rows.at(name) : "0"});
      classes.rows.push_back(std::move(cells));
    }
    add_block(section, table_block(classes));
  }
}

void add_photos(const Json& report, Json& section) {
  const Json photos = report.value("photos", Json());
  if (!photos.is_object()) return;
  PageTable table{.caption = "", .head = {"photos", "number"}, .folded = "Formats, sizes and broken photos"};
  table.rows.push_back({{"used"}, {count_of(photos, "used")}});
  const Json formats = photos.value("formats", Json::object());
  for (const auto& [format, count] : formats.items())
    if (count.is_number()) table.rows.push_back({{"format " + shown(format, 40)}, {grouped(count.get<std::size_t>())}});
  const Json sizes = photos.value("sizes", Json::object());
  for (const Json& size : sizes.value("commonest", Json::array()))
    table.rows.push_back(
        {{fmt::format("{} × {} pixels", size.value("width", 0), size.value("height", 0))}, {count_of(size, "photos")}});
  table.rows.push_back({{"smaller than the crop"}, {count_of(photos, "smaller_than_crop")}});
  table.rows.push_back({{"with junk between segments"}, {count_of(photos, "with_junk")}});
  table.rows.push_back({{"nearly black 16-bit photos"}, {count_of(photos, "dim")}});
  table.rows.push_back({{"without a detected face"}, {count_of(photos, "without_face")}});
  table.rows.push_back({{"broken, left out"}, {count_of(part_of(photos, "broken"), "count")}});
  add_block(section, table_block(table));
}

struct CopySet {
  std::string number;
  std::vector<std::string> ids, kinds;
  std::string differs;  // the column in which the copies differ, with its values
  int gravity = 3;      // 0: labels differ, 1: splits, 2: groups
};

std::string values_of(const std::vector<std::size_t>& rows, const std::vector<std::string>& column) {
  std::string text;
  std::vector<std::string> seen;
  for (const std::size_t row : rows) {
    if (std::find(seen.begin(), seen.end(), column[row]) != seen.end() || column[row].empty()) continue;
    seen.push_back(column[row]);
    text += (text.empty() ? "" : " | ") + shown(column[row], 40);
  }
  return text;
}

void judge_set(const ReportData& data, CopySet& set) {
  const SampleTable& table = data.album.crops()->table();
  std::vector<std::size_t> rows;
  for (const std::string& id : set.ids)
    if (const auto row = data.album.row_of(id)) rows.push_back(*row);
  const auto differ = [&](const std::string& name, int gravity) {
    const std::vector<std::string>* column = table.find(name);
    if (set.gravity <= gravity || !copies_differ(rows, column)) return;
    set.gravity = gravity;
    set.differs = fmt::format("{}: {}", shown(name, 40), values_of(rows, *column));
  };
  if (data.source.record)
    for (const RunRecord::RecordedTarget& target : data.source.record->targets) differ(target.column, 0);
  differ("split", 1);
  differ(group_column_name(table), 2);
}

std::vector<CopySet> read_sets(const ReportData& data, const std::filesystem::path& file) {
  const SampleTable table = read_plain_csv(file, {"set", "id", "kind"});
  std::vector<CopySet> sets;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string& number = table.column("set")[row];
    if (sets.empty() || sets.back().number != number) sets.push_back({.number = number});
    sets.back().ids.push_back(table.column("id")[row]);
    sets.back().kinds.push_back(table.column("kind")[row]);
  }
  for (CopySet& set : sets) judge_set(data, set);
  std::stable_sort(sets.begin(), sets.end(), [](const CopySet& a, const CopySet& b) { return a.gravity < b.gravity; });
  return sets;
}

void add_copies(ReportData& data, const std::filesystem::path& file, Json& section) {
  const std::vector<CopySet> sets = read_sets(data, file);
  std::array<std::size_t, 4> count{};
  for (const CopySet& set : sets) ++count[std::size_t(set.gravity)];
  add_block(section, heading("Copies"));
  add_block(section,
            paragraph(fmt::format(
                "{} of equal or nearly equal crops: {} with different labels, {} in two splits, {} in two groups.",
                counted(std::int64_t(sets.size()), "set"), grouped(count[0]), grouped(count[1]), grouped(count[2]))));
  Json list = Json::array();
  for (std::size_t i = 0; i < std::min(kMostSets, sets.size()); ++i) {
    const CopySet& set = sets[i];
    Json pictures = Json::array();
    for (std::size_t j = 0; j < std::min(kMostOfSet, set.ids.size()); ++j) {
      const int photo = data.album.add(set.ids[j], 1.0);
      pictures.push_back(
          {{"picture", photo}, {"has_picture", photo >= 0}, {"name", shown(set.ids[j], 120)}, {"kind", set.kinds[j]}});
    }
    list.push_back(
        {{"title", fmt::format("Set {}{}", shown(set.number, 20), set.differs.empty() ? "" : "; " + set.differs)},
         {"tone", set.gravity == 0 ? "bad" : ""},
         {"more", set.ids.size() > kMostOfSet ? fmt::format("and {} more", set.ids.size() - kMostOfSet) : ""},
         {"pictures", pictures}});
  }
  add_block(section, {{"sets", {{"list", list}}}});
  if (sets.size() > kMostSets)
    add_block(section, paragraph(fmt::format("The first {} of {} sets; {} lists all.", kMostSets, grouped(sets.size()),
                                             shown(file.string()))));
}

}  // namespace

Json data_view(ReportData& data) {
  Json section = page_section("data", "Data");
  if (data.album.crops() == nullptr) return section;
  const std::filesystem::path crops = data.album.crops()->path(), report = side_file(crops, "report.json"),
                              copies = side_file(crops, "duplicates.csv");
  try {
    if (file_exists(report)) {
      const Json json = parse_json_or_null(read_file(report));
      if (!json.is_object()) throw DataError("{} is damaged; run pleat prepare again", shown(report.string()));
      add_splits(json, section);
      add_photos(json, section);
      for (const std::string& sentence : report_warnings(json)) add_block(section, warning(sentence));
    } else {
      add_block(section, paragraph(fmt::format("{} is missing; pleat prepare writes it.", shown(report.string()))));
    }
    if (file_exists(copies)) add_copies(data, copies, section);
  } catch (const Error& error) {
    add_block(section, warning(error.what()));
  } catch (const Json::exception& error) {
    add_block(section, warning(fmt::format("{} is damaged: {}", shown(report.string()), error.what())));
  }
  return section;
}

}  // namespace pleat
