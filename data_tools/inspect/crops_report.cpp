#include "data_tools/inspect/crops_report.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/progress.h"
#include "base/run_log.h"
#include "base/side_file.h"
#include "base/stop_signal.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "data_tools/inspect/contact_sheet.h"
#include "data_tools/inspect/data_report.h"
#include "data_tools/inspect/duplicates_list.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kListed = 20;  // damaged rows named in the error
constexpr std::size_t kBroken = 10;  // rejected photos named in the report

using Facts = std::vector<std::pair<std::string, std::string>>;  // name, value; printed as two columns

// The number of rows of each value; "" if there are too many values for classes.
std::string counts_text(const std::vector<std::string>& values) {
  std::map<std::string, std::size_t> counts;
  for (const std::string& value : values) {
    if (++counts[value]; counts.size() > kFewValues) return "";
  }
  std::string text;
  for (const auto& [value, count] : counts) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", value.empty() ? "(empty)" : shown(value), grouped(count));
  }
  return text;
}

// The counts reveal a label with two spellings, or an empty split.
void say_counts(const SampleTable& table) {
  for (std::size_t i = 0; i < table.names.size(); ++i) {
    const std::string counts = counts_text(table.values[i]);
    if (!counts.empty() && table.rows() > kFewValues) spdlog::info("{}: {}", shown(table.names[i]), counts);
  }
}

Facts facts_of(const CropFile& crops) {
  std::size_t rejected = 0;
  for (std::size_t row = 0; row < crops.rows(); ++row) rejected += !crops.valid(row);
  const auto& [height, width, channels] = crops.shape();
  Facts facts = {{"rows", fmt::format("{}, {} of them without a picture; every checksum is right",
                                      grouped(crops.rows()), grouped(rejected))},
                 {"shape", fmt::format("{}x{}x{} (height x width x channels)", height, width, channels)}};
  const SampleTable& table = crops.table();
  for (std::size_t i = 0; i < table.names.size(); ++i) {
    const std::string counts = counts_text(table.values[i]);
    facts.emplace_back("column " + shown(table.names[i]),
                       counts.empty() ? "many values, '" + shown(table.values[i][0]) + "' first" : counts);
  }
  for (const auto& [name, value] : crops.provenance()) facts.emplace_back("made with " + shown(name), shown(value));
  facts.emplace_back("hash", crops.hash());
  return facts;
}

std::vector<std::size_t> damaged_rows(const CropFile& crops) {
  std::vector<std::size_t> damaged;
  Progress progress("verify", crops.rows(), true);
  for (std::size_t row = 0; row < crops.rows(); ++row) {
    if (stop_signal_received()) throw StopRequested("stopped on request at row {} of {}", row, crops.rows());
    try {
      if (crops.valid(row)) crops.image(row);
    } catch (const DataError&) {
      damaged.push_back(row);
    }
    progress.set(row + 1);
  }
  return damaged;
}

Duplicates search_duplicates(const CropFile& crops, int threads) {
  const std::vector<std::size_t> rows = valid_rows(crops);
  Progress progress("looking for duplicates", rows.size(), true);
  return find_duplicates(crops, rows, threads, [&](std::size_t done) {
    if (stop_signal_received()) throw StopRequested("stopped on request while looking for duplicates");
    progress.set(done);
  });
}

// "2 sets of 5 rows".
std::string copies_text(const Json& copies) {
  return fmt::format("{} of {}", counted(copies.at("sets").get<std::int64_t>(), "set"),
                     counted(copies.at("rows").get<std::int64_t>(), "row"));
}

std::string split_text(const Json& split) {
  std::string text = counted(split.at("rows").get<std::int64_t>(), "row");
  if (split.contains("groups")) text += ", " + counted(split["groups"].get<std::int64_t>(), "group");
  return text;
}

Json photos_json(const CropFile& crops, const MadeCrops& made, const CropOptions& crop) {
  Json photos = describe_photos(made.photos, crop);
  Json broken = Json::array();
  for (std::size_t i = 0; i < std::min(kBroken, made.rejected.size()); ++i) {
    const auto& [row, reason] = made.rejected[i];
    broken.push_back({{"id", crops.table().column("id")[row]}, {"reason", reason}});
  }
  photos["broken"] = {{"count", made.rejected.size()}, {"examples", broken}};
  return photos;
}

// "1,234 JPEG, 5 PNG; 384x512 pixels (width x height) and 3 other sizes".
void say_photos(const Json& photos) {
  std::string formats;
  for (const auto& [name, count] : photos.at("formats").items())
    formats += fmt::format("{}{} {}", formats.empty() ? "" : ", ", grouped(count.get<std::size_t>()), name);
  const Json &sizes = photos.at("sizes"), &common = sizes.at("commonest").front();
  const auto others = sizes.at("different").get<std::int64_t>() - 1;
  spdlog::info("photos: {}; {}x{} pixels (width x height){}", formats, common.at("width").get<std::int64_t>(),
               common.at("height").get<std::int64_t>(),
               others > 0 ? " and " + counted(others, "other size") : std::string());
}

void add_report(const Json& report, Facts& facts) {
  for (const auto& [name, split] : report.at("splits").items()) facts.emplace_back("split " + name, split_text(split));
  facts.emplace_back("equal images", copies_text(report.at("exact_duplicates")));
  facts.emplace_back("nearly equal", copies_text(report.at("near_duplicates")));
}

fs::path report_file(const fs::path& crops) { return side_file(crops, "report.json"); }
fs::path list_file(const fs::path& crops) { return side_file(crops, "duplicates.csv"); }
fs::path sheet_file(const fs::path& crops) { return side_file(crops, "duplicates.png"); }

// Removes the list and the sheet of an earlier prepare, if the file is such a list.
void remove_list(const fs::path& crops) {
  std::ifstream file(list_file(crops));
  std::string header;
  if (!std::getline(file, header) || header + "\n" != kDuplicatesHeader) return;
  std::error_code ignored;
  for (const fs::path& each : {list_file(crops), sheet_file(crops)}) fs::remove(each, ignored);
}

// Returns the name of the list; empty if there are no duplicates.
std::string list_duplicates(const CropFile& crops, const Duplicates& duplicates) {
  const fs::path &path = crops.path(), list = list_file(path);
  if (duplicates.exact.empty() && duplicates.near.empty()) {
    remove_list(path);
    return "";
  }
  write_file(list, duplicates_csv(crops, duplicates));
  write_contact_sheet(sheet_file(path), duplicates_sheet(crops, duplicates));
  return list.string();
}

}  // namespace

void require_replaceable_report(const fs::path& crops) {
  const std::string begin = Json{{"schema", 1}}.dump(1);  // the start of a report
  require_replaceable(report_file(crops), std::string_view(begin).substr(0, begin.rfind('\n')),
                      "data report of pleat's", {});
  require_replaceable(list_file(crops), kDuplicatesHeader, "list of duplicates", {});
  require_replaceable(sheet_file(crops), "\x89PNG", "PNG picture", {});
}

void report_crops(const fs::path& path, const MadeCrops& made, const CropOptions& crop, int threads) {
  const CropFile crops(path);
  say_counts(crops.table());
  const Duplicates duplicates = search_duplicates(crops, threads);
  Json report = data_report(crops, duplicates);
  if (made.photos.count() > 0) {
    report["photos"] = photos_json(crops, made, crop);
    say_photos(report["photos"]);
  }
  const fs::path file = report_file(path);
  require_replaceable_report(path);
  write_file(file, report.dump(1) + "\n");
  const std::string list = list_duplicates(crops, duplicates);
  for (const std::string& line : report_warnings(report, list)) spdlog::warn("{}", line);
  for (const std::string& line : photo_warnings(made.photos, crop, true)) spdlog::warn("{}", line);
  spdlog::info("equal images: {}; nearly equal: {}; more in {}{}", copies_text(report.at("exact_duplicates")),
               copies_text(report.at("near_duplicates")), file.string(),
               list.empty() ? "" : fmt::format(", pictures in {}", sheet_file(path).string()));
}

void verify_crops(const fs::path& path, int threads) {
  const CropFile crops(path);
  const std::vector<std::size_t> damaged = damaged_rows(crops);
  if (!damaged.empty()) {
    std::string list;
    for (std::size_t i = 0; i < std::min(kListed, damaged.size()); ++i) {
      list += fmt::format("\n  row {}, id '{}'", damaged[i], shown(crops.table().column("id")[damaged[i]]));
    }
    if (damaged.size() > kListed) list += fmt::format("\n  … and {} more", damaged.size() - kListed);
    throw DataError(
        "{}: {} of {} rows have the wrong checksum; the file was changed or damaged: make it again with pleat "
        "prepare{}",
        path.string(), damaged.size(), crops.rows(), list);
  }
  Facts facts = facts_of(crops);
  const Json report = data_report(crops, search_duplicates(crops, threads));
  add_report(report, facts);
  std::size_t width = 0;
  for (const auto& [name, value] : facts) width = std::max(width, name.size());
  std::string text;
  for (const auto& [name, value] : facts) text += fmt::format("{:<{}}  {}\n", name, width, value);
  print_result(text);
  for (const std::string& line : report_warnings(report)) spdlog::warn("{}", line);
}

}  // namespace pleat
