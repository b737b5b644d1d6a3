// label_issues.csv, and the contact sheet beside it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/crop_file.h"

namespace pleat {

/// A line. Format: docs/formats.md, label_issues.csv.
struct AuditLine {
  std::string target, id, group, given, suggested;
  double confidence = 0;  // probability of the given label
  std::string kind;       // "group", "row", "copy", "ambiguous" or "outlier"
  std::string evidence, path;
};

inline constexpr const char* kAuditStart = "target,id,group,given,suggested,confidence,kind,evidence";
std::string audit_csv(const std::vector<AuditLine>& lines);

/// Writes the first lines of each kind with their crops as a PNG. False if no line has a crop; then nothing is written.
bool write_audit_sheet(const std::filesystem::path& png, const std::vector<AuditLine>& lines, const CropFile& crops);

}  // namespace pleat
