#include "merge/source_run.h"

#include "base/error.h"
#include "base/files.h"
#include "base/stop_signal.h"
#include "run/finished_job.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

TrainedRun read_trained(const fs::path& folder, const std::string& name) {
  TrainedEnsemble ensemble = read_ensemble(RunPaths{folder});
  TrainedRun run = std::move(ensemble.runs.front());
  if (!run.name.empty())
    throw DataError("{} is an ensemble of several runs; give the runs that it was made of", folder.string());
  run.name = name;
  return run;
}

Dataset open_data(const TrainedRun& run, const fs::path& crops) {
  RunConfig config = run.config;
  if (!crops.empty()) config.data.crops = crops.string();
  if (!file_exists(config.data.crops)) {
    throw DataError(
        "{}, the crops of {}, is missing; start pleat where the run was started, or give the file with "
        "--crops",
        config.data.crops, run.paths.root.string());
  }
  Dataset dataset = open_dataset(config);
  if (dataset.hash != run.record.data.hash)
    throw DataError("{} is not the data that {} was trained on (its hash differs); give that file with --crops",
                    config.data.crops, run.paths.root.string());
  return dataset;
}

FoldPlan read_plan(const TrainedRun& run) {
  FoldPlan plan = read_folds(run.paths.folds());
  if (!run.record.folds.empty() && sha256(folds_csv(plan)) != run.record.folds)
    throw DataError("{} was changed after the run was trained; restore it", run.paths.folds().string());
  return plan;
}

void check_networks(const SourceRun& source) {
  const TrainedRun& run = source.trained;
  for (const Unit& unit : run.targets.units) {
    for (const ModelConfig& model : run.config.models) {
      for (int fold = 0; fold < source.plan.folds(); ++fold) {
        if (stop_signal_received()) throw StopRequested("stopped on request; nothing was written");
        for (const int part : parts_of(run.config, run.round))
          require_unchanged(run.paths.fold(run.round, unit.name, model.id, {fold}, part));
      }
    }
  }
}

std::vector<std::string> notes_of(const TrainedRun& run) {
  const Json summary = parse_json_or_null(read_file(run.paths.summary()));
  if (!summary.is_object() || !summary.contains("notes")) return {};  // early versions had none
  try {
    return summary["notes"].get<std::vector<std::string>>();
  } catch (const Json::exception& error) {
    throw DataError("{} is damaged ({}); run pleat train again in that folder", run.paths.summary().string(),
                    error.what());
  }
}

}  // namespace

SourceRun read_source(const fs::path& folder, const std::string& name, const fs::path& crops) {
  const TrainedRun trained = read_trained(folder, name);
  SourceRun source{.trained = trained, .dataset = open_data(trained, crops), .plan = read_plan(trained)};
  source.dataset.train = rows_of_plan(source.dataset, source.plan);
  source.notes = notes_of(trained);
  check_networks(source);
  const RoundSource round{trained.config, source.dataset, trained.paths, trained.round};
  for (std::size_t u = 0; u < trained.targets.units.size(); ++u) {
    for (GatheredTarget& target : gather_candidates(static_cast<int>(u), source.plan, round))
      source.targets.push_back(std::move(target));
  }
  add_derived(source.dataset, source.targets);
  return source;
}

}  // namespace pleat
