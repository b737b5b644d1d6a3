// What one job is: a model, the training side of one fold, and what is asked of the network. The same values give the
// same weights on any rank.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/augment.h"
#include "model/classifier.h"
#include "model/model_files.h"
#include "target/target_code.h"
#include "train/predict_config.h"
#include "train/train_config.h"

namespace pleat {

/// One target of a job: those of the network's outputs that are its own, and what the training rows say of it.
struct Head {
  std::string target;
  TargetCode code;
  double weight = 1;                       // of its loss
  double bin_spread = 0;                   // TargetConfig's
  std::vector<std::int64_t> labels;        // class of each training row as it is taught, in [0, code.classes)
  std::vector<double> numbers;             // of each training row; empty if taught as classes
  std::vector<std::int64_t> inner_labels;  // class of each inner row
};

struct FoldJob {
  std::string key;
  ModelConfig model;
  ModelFiles files;   // what the model's files hold
  TrainConfig train;  // precision is resolved: fp32 or bf16
  PredictConfig predict;
  bool exact = false;
  std::vector<Head> heads;               // the network's outputs are theirs, one after another
  std::vector<std::int64_t> train_rows;  // rows of the crops file, ascending
  // Rows of the training side that are set aside (train.keep: best), and the score that chooses by them.
  std::vector<std::int64_t> inner_rows;
  std::string score;
  std::vector<std::int64_t> predict_rows;  // the held-out fold, then the other rows that need a prediction
  PixelNorm norm;
  RandomKey random;  // seed, round, fold

  /// Width of the network's last layer.
  int outputs() const {
    int sum = 0;
    for (const Head& head : heads) sum += head.code.outputs;
    return sum;
  }
};

/// A network's outputs [n, all heads'] as each head's class logits [n, classes] float32 on CPU, whose softmax are
/// probabilities.
std::vector<torch::Tensor> split_logits(const std::vector<TargetCode>& codes, const torch::Tensor& outputs);

/// The same outputs as each head's mean and standard deviation [n, 2] float64, in its column's unit; undefined for
/// heads that are not taught as a number.
std::vector<torch::Tensor> split_normals(const std::vector<TargetCode>& codes, const torch::Tensor& outputs);

std::vector<TargetCode> codes_of(const FoldJob& job);

/// Whether the network holds bfloat16 roundings of its weights (TrainedWeights): in bf16 on CPU, in batches of one
/// part.
bool rounds_weights(const FoldJob& job, const torch::Device& device);

}  // namespace pleat
