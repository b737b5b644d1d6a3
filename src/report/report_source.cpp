#include "report/report_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <sstream>
#include <system_error>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"
#include "report/joint_targets.h"
#include "run/run_paths.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// Reads a part; its failure becomes a sentence.
void try_to(std::vector<std::string>& missing, const std::function<void()>& read) {
  try {
    read();
  } catch (const Error& error) {
    missing.emplace_back(error.what());
  } catch (const std::exception& error) {  // of the JSON library
    missing.emplace_back(fmt::format("a file is damaged: {}", error.what()));
  }
}

Json read_json(const fs::path& file) {
  Json json = parse_json_or_null(read_file(file));
  if (json.is_null())
    throw DataError("{} is damaged; run pleat train again in that folder to repair it", shown(file.string()));
  return json;
}

// The whole lines of metrics.jsonl; a live run may be writing the last one.
std::vector<EpochReport> read_epochs(const fs::path& file) {
  std::vector<EpochReport> epochs;
  if (!file_exists(file)) return epochs;
  std::istringstream lines(read_file(file));
  for (std::string line; std::getline(lines, line);) {
    const Json json = parse_json_or_null(line);
    if (!json.is_object()) break;
    epochs.push_back(epoch_report_from_json(json));
  }
  return epochs;
}

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code failed;
  for (auto entry = fs::directory_iterator(folder, failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    if (entry->is_directory(failed)) found.push_back(entry->path());
  }
  // fold_2 before fold_10.
  std::sort(found.begin(), found.end(), [](const fs::path& a, const fs::path& b) {
    const std::string one = a.filename().string(), other = b.filename().string();
    const bool both_folds = one.starts_with("fold_") && other.starts_with("fold_");
    return both_folds && one.size() != other.size() ? one.size() < other.size() : one < other;
  });
  return found;
}

// "folds_2_to_4" has fold_3.
bool has_fold(const std::string& trunk, const std::string& fold) {
  int first = 0, last = 0, number = 0;
  return std::sscanf(trunk.c_str(), "folds_%d_to_%d", &first, &last) == 2 &&
         std::sscanf(fold.c_str(), "fold_%d", &number) == 1 && first <= number && number <= last;
}

// The epochs of the trunks that the first round's network continues (folds.trunks).
std::vector<EpochReport> trunk_epochs(const fs::path& run, const TrainedJob& job) {
  std::vector<EpochReport> epochs;
  if (job.round > 0) return epochs;
  for (const fs::path& trunk : folders_in(run / "trunks" / job.unit / job.model)) {
    if (!has_fold(trunk.filename().string(), job.fold)) continue;
    const std::vector<EpochReport> more = read_epochs(trunk / kMetricsFile);
    epochs.insert(epochs.end(), more.begin(), more.end());
  }
  std::sort(epochs.begin(), epochs.end(),
            [](const EpochReport& one, const EpochReport& other) { return one.epoch < other.epoch; });
  return epochs;
}

void read_jobs(int round, const fs::path& folder, ReportSource& source) {
  for (const fs::path& unit : folders_in(folder)) {
    for (const fs::path& model : folders_in(unit)) {
      for (const fs::path& fold : folders_in(model)) {
        if (!fold.filename().string().starts_with("fold_")) continue;
        try_to(source.missing, [&] {
          TrainedJob job{.round = round,
                         .unit = unit.filename().string(),
                         .model = model.filename().string(),
                         .fold = fold.filename().string()};
          if (file_exists(fold / kDoneFile)) job.done = read_json(fold / kDoneFile);
          job.epochs = trunk_epochs(source.folder, job);
          const std::vector<EpochReport> own = read_epochs(fold / kMetricsFile);
          job.epochs.insert(job.epochs.end(), own.begin(), own.end());
          source.jobs.push_back(std::move(job));
        });
      }
    }
  }
}

// The last start in run.log: "2026-11-30 20:18:23 I command: pleat train my.yaml".
void read_last_start(const fs::path& log, ReportSource& source) {
  if (!file_exists(log)) return;
  const std::string text = read_file(log), mark = " I command: ";
  const std::size_t at = text.rfind(mark);
  if (at == std::string::npos) return;
  const std::size_t line = text.rfind('\n', at) + 1, start = at + mark.size();  // npos + 1 is 0
  source.started = text.substr(line, at - line);
  source.command = text.substr(start, text.find('\n', start) - start);
}

// Of an ensemble of runs: the first of them.
RunPaths recorded_run(const RunPaths& paths) {
  if (file_exists(paths.run())) return paths;
  const std::vector<fs::path> joined = folders_in(paths.root / "runs");
  return joined.empty() ? paths : RunPaths{joined.front()};
}

void read_result_of(const RunPaths& paths, ReportSource& source) {
  if (!file_exists(paths.summary())) {
    source.missing.emplace_back("The run is not finished: summary.json and its scores are missing.");
    return;
  }
  try_to(source.missing, [&] {
    Json summary = read_json(paths.summary());
    source.round = summary.value("result_round", 0);
    if (!summary.at("targets").is_object() || !summary.at("score").is_string() || source.round < 0)
      throw DataError("{} is damaged; run pleat train again in that folder to repair it",
                      shown(paths.summary().string()));
    source.summary = std::move(summary);
  });
  if (source.summary.is_null()) return;
  if (!file_exists(paths.oof(source.round))) {
    source.missing.emplace_back("There is no out-of-fold table: jobs failed in every target.");
    return;
  }
  try_to(source.missing, [&] { source.oof = read_oof(paths.oof(source.round)); });
  try_to(source.missing, [&] { source.ensemble = read_json(paths.ensemble(source.round)).at("targets"); });
}

}  // namespace

Json ReportSource::target_summary(const std::string& target) const {
  if (!summary.is_object() || !summary["targets"].contains(target)) return nullptr;
  return summary["targets"][target];
}

bool ReportSource::is_joint(const std::string& target) const {
  try {
    return ensemble.is_object() && joint_targets(ensemble).contains(target);
  } catch (const Json::exception&) {
    return false;
  }
}

ReportSource read_report_source(const fs::path& folder) {
  const RunPaths paths{folder.has_filename() ? folder : folder.parent_path()};
  if (!file_exists(paths.root)) throw DataError("no such folder: {}; give the folder of a run", shown(folder.string()));
  if (!file_exists(paths.config()) && !file_exists(paths.summary())) {
    throw DataError("{} is not the folder of a run or of a sweep (no config.yaml in it); give one",
                    shown(folder.string()));
  }
  ReportSource source{.folder = paths.root, .name = resolved_path(paths.root).filename().string()};
  read_result_of(paths, source);
  const RunPaths recorded = recorded_run(paths);
  try_to(source.missing, [&] {
    if (file_exists(recorded.run())) source.record = read_run_record(recorded);
  });
  try_to(source.missing, [&] {
    if (file_exists(recorded.config())) source.config = read_config(recorded.config());
  });
  try_to(source.missing, [&] { read_last_start(paths.log(), source); });
  try_to(source.missing, [&] {
    if (file_exists(paths.failures())) source.failures = read_json(paths.failures());
  });
  for (int round = 0; file_exists(paths.round(round)); ++round) read_jobs(round, paths.round(round), source);
  return source;
}

}  // namespace pleat
