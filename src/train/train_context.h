// Where and how a job runs; changes nothing in its result.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

#include "base/ranks.h"
#include "data/crop_file.h"
#include "model/fast_conv.h"
#include "train/checkpoint.h"

namespace pleat {

/// How a job goes on, while it does.
struct TrainProgress {
  EpochReport epoch;                 // loss: mean so far
  std::int64_t step = 0, steps = 0;  // of this epoch
  std::int64_t images_before = 0;    // trained on by an earlier run of this job
};

struct TrainContext {
  const CropFile& crops;
  torch::Device device = at::kCPU;
  const ConvPlan& conv_plan = kLibraryAlone;     // how convolutions are computed, to their last bits; may be empty
  Ranks slot;                                    // the ranks that share this job
  c10::intrusive_ptr<c10d::ProcessGroup> group;  // their collectives; null for one
  std::filesystem::path resume_folder;           // checkpoints of the job
  std::function<void(const TrainProgress&)> progress;  // called on the leader, now and then
  std::function<bool()> stop_requested;                // asked before each step
};

}  // namespace pleat
