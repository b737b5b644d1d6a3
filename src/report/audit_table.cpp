#include "report/audit_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "data/sample_table.h"
#include "data_tools/inspect/contact_sheet.h"
#include "data_tools/inspect/preview.h"

namespace pleat {
namespace {

constexpr std::size_t kMostOfKind = 12;   // lines of pictures, of each target and kind
constexpr std::size_t kMostPictures = 7;  // of a group
constexpr std::size_t kLongestCaption = 60;

std::string caption_of(const AuditLine& line) {
  if (line.kind == "outlier" || line.kind == "ambiguous")
    return sheet_caption(fmt::format("{} {}: {}", line.target, line.id, line.evidence), kLongestCaption);
  const std::string& name = line.kind == "group" ? line.group : line.id;
  return sheet_caption(fmt::format("{} {}: {} -> {}", line.target, name, line.given, line.suggested), kLongestCaption);
}

// A group's rows share a line of the sheet.
std::string key_of(const AuditLine& line) {
  return line.target + '\x1f' + line.kind + '\x1f' + (line.kind == "group" ? line.group : line.id);
}

}  // namespace

std::string audit_csv(const std::vector<AuditLine>& lines) {
  std::string text = std::string(kAuditStart) + ",path\n";
  for (const AuditLine& line : lines) {
    text += fmt::format("{},{},{},{},{},{:.6f},{},{},{}\n", csv_field(line.target), csv_field(line.id),
                        csv_field(line.group), csv_field(line.given), csv_field(line.suggested), line.confidence,
                        line.kind, csv_field(line.evidence), csv_field(line.path));
  }
  return text;
}

bool write_audit_sheet(const std::filesystem::path& png, const std::vector<AuditLine>& lines, const CropFile& crops) {
  std::unordered_map<std::string, std::size_t> row_of;
  const std::vector<std::string>& ids = crops.table().column("id");
  for (std::size_t row = 0; row < ids.size(); ++row) row_of.emplace(ids[row], row);
  std::vector<SheetRow> sheet;
  std::map<std::string, std::size_t> place_of, count;  // of a sheet's line; lines by target and kind
  for (const AuditLine& line : lines) {
    const auto row = row_of.find(line.id);
    if (row == row_of.end() || !crops.valid(row->second)) continue;
    const auto known = place_of.find(key_of(line));
    if (known != place_of.end()) {
      SheetRow& group = sheet[known->second];
      if (group.pictures.size() < kMostPictures) group.pictures.push_back(crop_picture(crops, row->second));
      continue;
    }
    if (++count[line.target + '\x1f' + line.kind] > kMostOfKind) continue;
    place_of[key_of(line)] = sheet.size();
    sheet.push_back({.caption = line.kind + "  " + caption_of(line), .pictures = {crop_picture(crops, row->second)}});
  }
  if (sheet.empty()) return false;
  write_contact_sheet(png, sheet);
  return true;
}

}  // namespace pleat
