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

/// A member of the ensemble: one fold's model of one unit.
struct Member {
  int unit = 0;
  int candidate = 0;  // index in config.models
  ModelConfig model;
  std::filesystem::path folder;
  std::string job;  // its name in done.json
};

struct TrainedEnsemble {
  int round = 0;  // the run's result
  RunConfig config;
  RunRecord record;
  TargetPlan targets;
  ConvPlans conv_plans;
  bool other_plans = false;   // conv_plan.json was changed or removed after training
  std::vector<Blend> blends;  // of each target; of a derived target: without a method
  std::vector<Member> members;
};

/// Throws: DataError with the remedy if the run is not finished, has failed jobs or is damaged.
TrainedEnsemble read_ensemble(const RunPaths& paths);

}  // namespace pleat
