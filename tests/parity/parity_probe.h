// Lets the parity tests in Python call pleat's functions: one subcommand and one function for each subject.
#pragma once

#include <string>
#include <vector>

namespace pleat {

using Arguments = std::vector<std::string>;

/// folds IN.csv K SEED REPEATS: IN.csv has `id`, optionally `group`; its other columns are strata. Prints folds.csv.
void probe_folds(const Arguments& arguments);

/// metrics PROBS LABELS N C float32|float64: raw little-endian files, labels int64. Prints the scores as JSON.
void probe_metrics(const Arguments& arguments);

/// ensemble FILE M N C greedy|stack|select SCORE|PENALTY|METHOD: FILE has M tables [N, C] float64, then labels and
/// folds [N] int64. Prints the picks, the stack's probabilities, or the method, its weights and all methods' macro F1.
void probe_ensemble(const Arguments& arguments);

/// init NAME CHANNELS CLASSES SEED OUT: writes the state of a fresh network. This file and those below are safetensors.
void probe_init(const Arguments& arguments);

/// logits NAME WEIGHTS IMAGES eval|train OUT: writes `logits` of the tensor `images`, and the state after as `state.*`.
/// Here and in gradients, nothing is dropped.
void probe_logits(const Arguments& arguments);

/// gradients NAME WEIGHTS GIVEN planes|rows OUT: one step of training on `images` and `labels` with cross-entropy, the
/// images as NCHW or NHWC memory; writes `logits` and the gradients as `gradient.*`.
void probe_gradients(const Arguments& arguments);

/// optimize adamw|sgd LR DECAY MOMENTUM BETA2 GIVEN OUT: GIVEN has `parameter.*` and `gradient.STEP.*` from step 0 on;
/// writes the parameters after the last step, under their own names.
void probe_optimize(const Arguments& arguments);

/// pixels OPERATION GIVEN OUT: one of pixel_ops.h on the tensors `images` and `amounts`; writes `images`.
void probe_pixels(const Arguments& arguments);

}  // namespace pleat
