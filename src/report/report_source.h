// All that a report shows of a run, read from its folder. Files that are missing or damaged cost their part only.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "ensemble/oof_table.h"
#include "run/run_record.h"
#include "train/epoch_report.h"

namespace pleat {

/// A trained network.
struct TrainedJob {
  int round = 0;
  std::string unit, model, fold;    // names of folders: "gender", "resnet18", "fold_0" or "fold_0_part_1"
  Json done;                        // done.json; null while the job is not done
  std::vector<EpochReport> epochs;  // those of its trunks first
};

struct ReportSource {
  std::filesystem::path folder;
  std::string name;
  Json summary;   // summary.json; null if the run is not finished
  Json ensemble;  // "targets" of ensemble.json of the result's round; else null
  Json failures;  // failures.json; null if no job failed
  int round = 0;  // the one that is the result
  std::optional<OofFile> oof;
  std::optional<RunRecord> record;  // of an ensemble of runs: the first run's
  ConfigNode config;                // config.yaml
  std::string command, started;     // of the last start; empty if unknown
  std::vector<TrainedJob> jobs;
  std::vector<std::string> missing;  // sentences

  std::string score() const { return summary.is_object() ? summary.value("score", "macro_f1") : "macro_f1"; }
  /// The target's part of summary.json; null if there is none.
  Json target_summary(const std::string& target) const;
  /// True for a target whose labels are combinations of other targets' labels.
  bool is_joint(const std::string& target) const;
};

/// Throws: DataError if the folder does not hold a run.
ReportSource read_report_source(const std::filesystem::path& folder);

}  // namespace pleat
