// One job: a model, the training side of one fold, and the targets to learn. Equal jobs give equal weights on any rank.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/tensor_fwd.h"
#include "data/augment.h"
#include "model/model_config.h"
#include "model/model_files.h"
#include "target/target_code.h"
#include "train/predict_config.h"
#include "train/train_config.h"

namespace pleat {

/// One target of a job: its share of the network's outputs, and its labels.
struct Head {
  std::string target;
  TargetCode code;
  double weight = 1;                 // factor of this head's loss
  double bin_spread = 0;             // targets[].bin_spread
  std::vector<std::int64_t> labels;  // training class of each training row, in [0, code.classes)
  std::vector<double> numbers;       // number of each training row, in bins of each labelled one; empty for classes
  std::vector<float> weights;        // of each training row in the loss; empty: all 1
  // Distribution over the outputs of each pseudo-labelled row, [rows, code.outputs]. Bins need it; otherwise empty: the
  // labels and numbers alone.
  std::vector<float> soft;
  std::vector<std::int64_t> inner_labels;  // class of each inner row; -1: dropped (train.labels)
};

/// The pseudo-labelled rows of a student (rounds), and its options.
struct PseudoLabelled {
  std::size_t rows = 0;                  // the last ones of train_rows have pseudo-labels
  std::optional<AugmentConfig> augment;  // of these rows; none: train.augment
  std::string initial_weights;           // safetensors to start from; empty: as the model says
};

/// The epochs that folds train together (folds.trunks). A trunk trains the epochs from `from` to `until`; a job that
/// continues a trunk trains those from `from` on.
struct SharedEpochs {
  std::int64_t from = 0;   // the epochs before were trained by the trunk that the job continues
  std::int64_t until = 0;  // of a trunk; 0: the job is no trunk
  std::int64_t rows = 0;   // of a trunk: images of an epoch, as many as those of its folds' networks
  std::string trunk;       // key of the trunk that the job continues; empty: none
  std::string state;       // that trunk's result (TrunkState), known once it is done
};

struct FoldJob {
  std::string key;
  ModelConfig model;
  ModelFiles files;   // hashes of the model's files
  TrainConfig train;  // precision is resolved: fp32 or bf16
  PredictConfig predict;
  bool exact = false;
  std::vector<Head> heads;  // in the order of the network's outputs
  // Rows of the crops file: the labelled ones, ascending, then the pseudo-labelled ones, ascending.
  std::vector<std::int64_t> train_rows;
  PseudoLabelled pseudo;
  SharedEpochs shared;
  // With train.keep: best or predict.temperature: training rows set aside to choose the best epoch or to fit the
  // temperature. `score`: to choose by.
  std::vector<std::int64_t> inner_rows;
  std::string score;
  std::vector<std::int64_t> predict_rows;  // the held-out fold, then other rows to predict
  PixelNorm norm;
  RandomKey random;  // seed, round, fold

  /// True if training rows are set aside.
  bool needs_inner_rows() const { return train.keep == "best" || predict.temperature; }
  bool is_trunk() const { return shared.until > 0; }
  /// Images of an epoch.
  std::int64_t epoch_rows() const { return is_trunk() ? shared.rows : static_cast<std::int64_t>(train_rows.size()); }
  /// The job trains the epochs [shared.from, last_epoch()).
  std::int64_t last_epoch() const { return is_trunk() ? shared.until : train.epochs; }
  /// Width of the network's last layer: outputs of all heads together.
  int outputs() const {
    int sum = 0;
    for (const Head& head : heads) sum += head.code.outputs;
    return sum;
  }
};

/// Class logits of each head, [n, classes] float32 on CPU. Their softmax gives the class probabilities.
///   outputs [n, outputs of all heads]
std::vector<torch::Tensor> split_logits(const std::vector<TargetCode>& codes, const torch::Tensor& outputs);

/// Mean and standard deviation of each head's number, [n, 2] float64, in the unit of the target's column. Undefined for
/// heads that are not trained as a number.
///   outputs [n, outputs of all heads]
std::vector<torch::Tensor> split_normals(const std::vector<TargetCode>& codes, const torch::Tensor& outputs);

std::vector<TargetCode> codes_of(const FoldJob& job);

/// True if the network holds bfloat16 copies of its weights (TrainedWeights). Requires bf16 on the CPU, one part per
/// batch, and not cluster.exact.
bool rounds_weights(const FoldJob& job, const torch::Device& device);

}  // namespace pleat
