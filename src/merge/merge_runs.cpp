#include "merge/merge_runs.h"

#include <ATen/Parallel.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/log.h"
#include "base/run_log.h"
#include "base/stopwatch.h"
#include "base/wording.h"
#include "merge/merged_folder.h"
#include "merge/merged_json.h"
#include "merge/same_experiment.h"
#include "rounds/predictions_csv.h"
#include "rounds/summary.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// Each run's folder name, in the letters of folder names; a name that is taken gets a number.
std::vector<std::string> name_runs(const std::vector<fs::path>& runs) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  std::set<fs::path> seen;
  for (const fs::path& run : runs) {
    const fs::path whole = resolved_path(run);
    if (!seen.insert(whole).second) throw UsageError("{} is given twice; leave one of them out", run.string());
    std::string name = whole.filename().string();
    for (char& letter : name) {
      if (std::string_view(kFolderNameLetters).find(letter) == std::string_view::npos) letter = '_';
    }
    if (name.empty() || name.front() == '.') name.insert(0, "run");
    constexpr std::size_t kLongest = 60;  // it becomes part of an export's file names
    std::string free = name = name.substr(0, kLongest);
    for (int number = 2; !taken.insert(free).second; ++number) free = fmt::format("{}_{}", name, number);
    names.push_back(free);
  }
  return names;
}

void check_names(const MergeRequest& request, const std::vector<std::string>& runs) {
  std::set<std::string> taken(runs.begin(), runs.end());
  for (const NamedTable& table : request.tables) {
    check_folder_name("--oof: the name", table.name);
    if (!taken.insert(table.name).second)
      throw UsageError("--oof {}={}: the name '{}' is taken; give another", table.name, table.file.string(),
                       table.name);
  }
}

// None of which --out may replace.
MergeInputs inputs_of(const MergeRequest& request) {
  MergeInputs inputs{.runs = request.runs};
  for (const NamedTable& table : request.tables) inputs.files.push_back(table.file);
  if (!request.crops.empty()) inputs.files.push_back(request.crops);
  return inputs;
}

Sources read_sources(const MergeRequest& request) {
  const std::vector<std::string> names = name_runs(request.runs);
  check_names(request, names);
  Sources sources;
  for (std::size_t i = 0; i < names.size(); ++i) {
    sources.runs.push_back(read_source(request.runs[i], names[i], request.crops));
    if (i > 0) require_same_experiment(sources.runs.front(), sources.runs[i]);
    const TrainedRun& trained = sources.runs[i].trained;
    spdlog::info("{}: {} on {}, of round {} of {}", names[i],
                 counted(std::int64_t(trained.config.models.size()), "model"),
                 counted(sources.runs[i].plan.folds(), "fold"), trained.round, request.runs[i].string());
  }
  std::vector<PredictedTarget> wanted;
  for (const Target& target : sources.runs.front().trained.targets.targets)
    wanted.push_back({target.name, target.classes});
  for (const NamedTable& table : request.tables)
    sources.tables.push_back({table.name, read_prediction_table(table.file, wanted)});
  return sources;
}

// The files that describe a run.
void add_run_files(const SourceRun& run, MergedFolder& folder) {
  const RunPaths &from = run.trained.paths, to = joined(run);
  folder.copy(from.config(), to.config());
  folder.copy(from.run(), to.run());
  if (file_exists(from.conv_plan())) folder.copy(from.conv_plan(), to.conv_plan());
  for (const auto& [model, hash] : run.trained.record.scripts) folder.link(from.script(model), to.script(model));
}

void add_networks(const Sources& sources, const Json& described, MergedFolder& folder) {
  std::set<std::pair<std::string, std::string>> added;  // run and folder in the merged folder
  for (const auto& [name, target] : described["targets"].items()) {
    for (const Json& member : target.value("members", Json::array())) {
      if (!added.emplace(member["run"], member["folder"]).second) continue;
      const auto run = std::find_if(sources.runs.begin(), sources.runs.end(),
                                    [&](const SourceRun& each) { return each.trained.name == member["run"]; });
      const fs::path to = member["folder"].get<std::string>();
      const fs::path from = run->trained.paths.root / to.lexically_relative(joined(*run).root);
      for (const char* file : {kWeightsFile, kPredictionsFile, kDoneFile}) folder.link(from / file, to / file);
      if (file_exists(from / kMetricsFile)) folder.link(from / kMetricsFile, to / kMetricsFile);
    }
  }
}

std::vector<std::string> notes_on(const Sources& sources) {
  std::vector<std::string> notes;
  for (const SourceRun& run : sources.runs) {
    for (const std::string& note : run.notes) notes.push_back(fmt::format("{}: {}", run.trained.name, note));
    if (run.trained.config.score != sources.runs.front().trained.config.score)
      notes.push_back(fmt::format("{} was scored by {}; the ensemble is chosen by {}", run.trained.name,
                                  run.trained.config.score, sources.runs.front().trained.config.score));
  }
  for (const TableSource& source : sources.tables)
    notes.push_back(
        fmt::format("the scores are honest only if '{}' predicts each row by models that were not trained on its fold, "
                    "which cannot be checked",
                    source.name));
  return notes;
}

RoundSummary score_joined(const SourceRun& first, const std::vector<GatheredTarget>& targets) {
  RoundSummary summary;
  const RunConfig& config = first.trained.config;
  for (const GatheredTarget& target : targets)
    summary.targets.push_back(score_target(target, first.dataset, first.plan, config.data.group, config.score));
  return summary;
}

// True if the ensemble predicts all test and unlabelled rows.
bool predicts_other_rows(const Dataset& dataset, const std::vector<GatheredTarget>& targets) {
  if (dataset.test.empty() && dataset.unlabelled.empty()) return false;
  return std::all_of(targets.begin(), targets.end(), [&](const GatheredTarget& target) {
    return (dataset.test.empty() || target.test.defined()) &&
           (dataset.unlabelled.empty() || target.unlabelled.defined());
  });
}

void write_tables(const Sources& sources, const std::vector<GatheredTarget>& targets, const RunPaths& paths) {
  const SourceRun& first = sources.runs.front();
  std::vector<OofTable> tables;
  for (const GatheredTarget& target : targets) tables.push_back(target.oof);
  make_folder(paths.round(0));
  write_oof(paths.oof(0), first.plan, tables);
  write_file(paths.folds(), folds_csv(first.plan));
  if (predicts_other_rows(first.dataset, targets))
    write_file(paths.predictions(), predictions_csv(targets, first.dataset));
  else if (!first.dataset.test.empty() || !first.dataset.unlabelled.empty())
    spdlog::warn("a table of the ensemble lacks the test or unlabelled rows, so there is no predictions.csv");
}

// The weakest guarantee of the runs: the first that promises nothing, else the first of all.
std::string weakest_promise(const std::vector<SourceRun>& runs) {
  for (const SourceRun& run : runs) {
    if (run.trained.record.promise.starts_with("none")) return run.trained.record.promise;
  }
  return runs.front().trained.record.promise;
}

// "bf16", or "bf16 and fp32" of runs that differ.
std::string precisions_of(const std::vector<SourceRun>& runs) {
  std::set<std::string> precisions;
  for (const SourceRun& run : runs) precisions.insert(run.trained.config.train.precision);
  return fmt::format("{}", fmt::join(precisions, " and "));
}

}  // namespace

void merge_runs(const MergeRequest& request) {
  const Clock::time_point start = Clock::now();
  const MergeInputs inputs = inputs_of(request);
  require_free(request.out, inputs);
  const Sources sources = read_sources(request);
  const SourceRun& first = sources.runs.front();
  const std::string& score_name = first.trained.config.score;
  const std::string method = request.method.empty() ? first.trained.config.ensemble : request.method;
  const std::vector<GatheredTarget> targets = join_candidates(sources.runs, sources.tables, {method, score_name});
  const Json described = describe_merged(sources, targets, method);
  MergedFolder folder(request.out, inputs);
  for (const SourceRun& run : sources.runs) add_run_files(run, folder);
  add_networks(sources, described, folder);
  write_tables(sources, targets, folder.paths());
  const std::vector<RoundSummary> rounds{score_joined(first, targets)};
  const std::vector<std::string> notes = notes_on(sources);
  const RunTotals totals{.wall_seconds = seconds_since(start),
                         .threads = at::get_num_threads(),
                         .device = "cpu",
                         .precision = precisions_of(sources.runs),
                         .promise = weakest_promise(sources.runs)};
  Json summary = summarise(rounds, 0, score_name, totals, notes);
  summary["runs"] = described["runs"];
  write_file(folder.paths().summary(), summary.dump(2) + "\n");
  write_file(folder.paths().ensemble(0), described.dump(2) + "\n");
  folder.publish();
  print_result(fmt::format("{}\nResults: {}\n", scores_table(rounds, 0, score_name, notes), request.out.string()));
}

}  // namespace pleat
