// A finished run's ensemble, read back from its folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ensemble/selection.h"
#include "model/classifier.h"
#include "run/conv_plans.h"
#include "run/run_config.h"
#include "run/run_paths.h"
#include "run/run_record.h"
#include "run/target_plan.h"

namespace pleat {

/// A finished run whose networks the ensemble uses.
struct TrainedRun {
  std::string name;  // in an ensemble of several runs; else empty
  RunPaths paths;
  int round = 0;  // the run's result
  RunConfig config;
  RunRecord record;
  TargetPlan targets;
  ConvPlans conv_plans;
  bool other_plans = false;         // conv_plan.json was changed or removed after training
  std::size_t first_candidate = 0;  // its models are the candidates from this one on
};

/// A member of the ensemble: one fold's model of one unit.
struct Member {
  int run = 0;        // index in TrainedEnsemble::runs
  int unit = 0;       // of that run
  int candidate = 0;  // of the ensemble
  ModelConfig model;
  std::filesystem::path folder;
  std::string job;  // its name in done.json
};

struct TrainedEnsemble {
  std::vector<TrainedRun> runs;         // one, or those that pleat ensemble joined; all with the same targets
  std::vector<std::string> candidates;  // their names: of a single run the models' ids; the last ones are of tables
  std::size_t tables = 0;               // of other programs, which have no networks
  std::vector<Blend> blends;            // of each target; of a derived target: without a method
  std::vector<Member> members;

  const TrainedRun& run_of(const Member& member) const { return runs[std::size_t(member.run)]; }
  const Unit& unit_of(const Member& member) const { return run_of(member).targets.units[std::size_t(member.unit)]; }
  /// The targets, which are the same in all runs; how they are derived is that of the first run.
  const TargetPlan& targets() const { return runs.front().targets; }
};

/// "a:resnet18": the model's name as a candidate of an ensemble of several runs.
std::string candidate_name(const std::string& run, const std::string& model);

/// Throws: DataError with the remedy if the run is not finished, has failed jobs or is damaged.
TrainedEnsemble read_ensemble(const RunPaths& paths);

/// Throws: DataError if the ensemble uses a table of another program, which has no networks.
void require_networks(const TrainedEnsemble& ensemble, const RunPaths& paths);

}  // namespace pleat
