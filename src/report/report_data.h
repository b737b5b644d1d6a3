// A run's data as the views of its report share it.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "ensemble/group_bootstrap.h"
#include "report/photo_album.h"
#include "report/report_source.h"

namespace pleat {

/// A target with its out-of-fold predictions.
struct JudgedTarget {
  const OofTable* table = nullptr;         // in ReportData::source
  bool joint = false;                      // its labels are those of other targets
  std::vector<std::int64_t> label, guess;  // of each row: given, and most probable
  std::vector<double> confidence;          // of each row: probability of the most probable class
  ScoreIntervals intervals;                // of the ensemble's OOF score, log-loss negated
  Json summary;                            // of summary.json; may be null
};

struct ReportData {
  ReportSource source;
  PhotoAlbum album;
  RowGroups groups;                   // of the plan
  std::vector<JudgedTarget> targets;  // empty without an out-of-fold table
  Json scripted = Json::object();     // what the page's script reads; filled by the views

  const FoldPlan& plan() const { return source.oof->plan; }  // requires targets
  const std::string& id(std::int64_t row) const { return plan().ids[static_cast<std::size_t>(row)]; }
};

/// Reads the run and scores its targets.
///   crops: the crops file, if it is no longer where the run found it; may be empty
/// Throws: DataError if the folder does not hold a run.
ReportData read_report_data(const std::filesystem::path& folder, const std::filesystem::path& crops);

/// "group" or "row", the unit that is resampled.
std::string resampled_unit(const FoldPlan& plan);

/// A score, or the bounds of its interval, as people read them: four digits, log-loss not negated.
std::string score_text(double score, const std::string& name);
std::string interval_text(const Interval& interval, const std::string& name);

/// The ensemble's probability of a class.
double probability(const OofTable& table, std::int64_t row, std::int64_t code);

/// A class's name for a page, cut to 80 bytes.
std::string class_text(const OofTable& table, std::int64_t code);

}  // namespace pleat
