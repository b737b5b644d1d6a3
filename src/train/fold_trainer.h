// Trains one job: one model on one fold's training side, from its first step or from its checkpoint, and predicts.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <vector>

#include "base/ranks.h"
#include "data/augment.h"
#include "data/crop_file.h"
#include "model/classifier.h"
#include "model/fast_conv.h"
#include "model/model_files.h"
#include "train/checkpoint.h"
#include "train/epoch_cut.h"
#include "train/predict_config.h"
#include "train/train_config.h"

namespace pleat {

/// Everything that determines the result; the same values give the same weights on any rank.
struct FoldJob {
  std::string key;
  ModelConfig model;
  ModelFiles files;   // what the model's files hold
  TrainConfig train;  // precision is resolved: fp32 or bf16
  PredictConfig predict;
  bool exact = false;
  int classes = 0;
  std::vector<std::int64_t> train_rows, train_labels;  // rows of the crops file, ascending; labels in [0, classes)
  std::vector<std::int64_t> predict_rows;              // the held-out fold, then the other rows that need a prediction
  PixelNorm norm;
  RandomKey random;  // seed, round, fold
};

/// How a job goes on, while it does.
struct TrainProgress {
  EpochReport epoch;                 // loss: mean so far
  std::int64_t step = 0, steps = 0;  // of this epoch
  std::int64_t images_before = 0;    // trained on by an earlier run of this job
};

/// Where and how it runs; changes nothing in the result.
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

struct FoldResult {
  NamedTensors weights;  // CPU, as trained, or their average (train.ema)
  torch::Tensor logits;  // [predict_rows, classes] float32
  std::vector<EpochReport> history;
};

/// Whether the network holds bfloat16 roundings of its weights (TrainedWeights): in bf16 on CPU, in batches of one
/// part.
bool rounds_weights(const FoldJob& job, const torch::Device& device);

/// Every rank of the slot calls it with the same job; each gets the result. Throws StopRequested once its place is
/// saved, DataError for data, or JobFailed if training itself fails (a loss that is not finite: epoch, step
/// and rows named; predictions that are not finite; a device whose memory is full).
FoldResult train_fold(const FoldJob& job, const TrainContext& context);

}  // namespace pleat
