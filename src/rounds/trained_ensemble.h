// A finished run's ensemble, read back from its folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/augment.h"
#include "model/classifier.h"
#include "rounds/conv_plans.h"
#include "rounds/run_config.h"
#include "rounds/run_folder.h"
#include "rounds/target_plan.h"

namespace pleat {

/// A member of the ensemble: one fold's model of one unit.
struct Member {
  int unit = 0;
  ModelConfig model;
  std::filesystem::path folder;
  std::string job;  // as its done.json names it
};

struct TrainedEnsemble {
  RunConfig config;
  TargetPlan targets;
  PixelNorm norm;
  ConvPlans conv_plans;
  bool other_plans = false;  // than those it was trained by: the file was changed or is gone
  std::vector<Member> members;
};

/// Throws DataError if the run is not finished, has failed jobs or is damaged, saying what to do about it.
TrainedEnsemble read_ensemble(const RunPaths& paths);

}  // namespace pleat
