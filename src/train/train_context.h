// The surroundings of a job: device, ranks, folders, callbacks. Not part of the job's key.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <functional>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

#include "base/ranks.h"
#include "data/crop_file.h"
#include "kernels/fast_conv.h"
#include "train/epoch_report.h"

namespace pleat {

struct TrainContext {
  const CropFile& crops;
  torch::Device device = at::kCPU;
  const ConvPlan& conv_plan = kLibraryAlone;     // algorithm of each convolution, affects the last bits; may be empty
  Ranks ranks;                                   // ranks of the slot, which share this job
  c10::intrusive_ptr<c10d::ProcessGroup> group;  // collectives of the slot; null for one rank
  std::filesystem::path resume_folder;           // the job's checkpoints
  std::function<void(const TrainProgress&)> progress;  // called on the leader from time to time
  std::function<bool()> stop_requested;                // called before each step
};

}  // namespace pleat
