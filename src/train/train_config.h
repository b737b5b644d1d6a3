// How a model is trained; see docs/config.md, which is made from here.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "base/fields.h"
#include "data/augment.h"
#include "train/loss_config.h"

namespace pleat {

struct ProgressiveConfig {
  std::int64_t from = 0;
  double delay = 0.0;
  double until = 0.6;
  static constexpr auto fields() {
    return std::tuple{
        field("from", &ProgressiveConfig::from, between(0, 1 << 16), identity,
              "shorter side of the first epoch's images, in pixels; below the crops' own; 0: off"),
        field("delay", &ProgressiveConfig::delay, below_one(), identity,
              "fraction of the epochs that keep that size before images grow; at most until"),
        field("until", &ProgressiveConfig::until, above_zero_to_one(), identity,
              "fraction of the epochs after which images have their full size, having grown in multiples of 4 pixels; "
              "the last epoch always has it")};
  }
};

struct TrainConfig {
  std::int64_t epochs = 8;
  std::int64_t batch = 64;
  std::int64_t micro_batches = 1;
  double lr = 1e-3;
  std::string optimizer = "adamw";
  double weight_decay = 0.01;
  double momentum = 0.9;
  double beta2 = 0.999;
  std::string schedule = "one_cycle";
  double warmup = 0.25;
  double label_smoothing = 0.0;
  std::string precision = "auto";
  LossConfig loss;
  std::string sampling = "shuffle";
  double clip = 0.0;
  double layer_decay = 1.0;
  std::int64_t freeze_epochs = 0;
  std::string keep = "last";
  double inner_share = 0.1;
  std::int64_t patience = 0;
  double ema = 0.0;
  AugmentConfig augment;
  ProgressiveConfig progressive;
  static constexpr auto fields() {
    return std::tuple{
        field("epochs", &TrainConfig::epochs, between(1, 100000), identity, "passes over the training rows"),
        field("batch", &TrainConfig::batch, between(1, 1 << 20), identity,
              "images per optimizer step, over all shards"),
        field("micro_batches", &TrainConfig::micro_batches, between(1, 4096), identity,
              "parts each batch is cut into; BatchNorm statistics are per part, gradients are summed over them"),
        field("lr", &TrainConfig::lr, above(0.0), identity, "peak learning rate, after warm-up"),
        field("optimizer", &TrainConfig::optimizer, one_of("adamw", "sgd"), identity,
              "adamw, or sgd with Nesterov momentum"),
        field("weight_decay", &TrainConfig::weight_decay, at_least(0.0), identity,
              "decoupled for adamw, L2 for sgd; not applied to biases and BatchNorm"),
        field("momentum", &TrainConfig::momentum, below_one(), identity, "sgd's momentum, or adamw's beta1"),
        field("beta2", &TrainConfig::beta2, below_one(), identity, "adamw's second-moment decay"),
        field("schedule", &TrainConfig::schedule, one_of("one_cycle", "cosine", "constant"), identity,
              "learning rate over the steps: one_cycle (up and down by cosines), cosine (linear warm-up, then down), "
              "constant"),
        field("warmup", &TrainConfig::warmup, below_one(), identity, "fraction of all steps that the rate rises over"),
        field("label_smoothing", &TrainConfig::label_smoothing, below_one(), identity,
              "probability mass spread evenly over all classes"),
        field(
            "precision", &TrainConfig::precision, one_of("auto", "fp32", "bf16"), identity,
            "auto: bf16 where the device does it well (CUDA, AVX-512-bf16, AMX), else fp32; what was used is recorded"),
        field("loss", &TrainConfig::loss, any(), identity, "what training minimises, beyond plain cross-entropy"),
        field(
            "sampling", &TrainConfig::sampling, one_of("shuffle", "balanced", "balanced_sqrt"), identity,
            "which rows an epoch shows: shuffle, each once; balanced, as many rows as there are, each class equally "
            "often, so that rows of rare classes come several times; balanced_sqrt, classes by the root of their rows; "
            "with targets_as: heads, classes are the combinations of all targets'"),
        field("clip", &TrainConfig::clip, at_least(0.0), identity,
              "scale a step's gradients down so that their norm, over all parameters, is at most this; 1, say; 0: off"),
        field(
            "layer_decay", &TrainConfig::layer_decay, above_zero_to_one(), identity,
            "each layer (residual block, stage) learns at this factor of the rate of the one after it, the last one at "
            "the full rate; 0.8, say, for pretrained weights; 1: off"),
        field("freeze_epochs", &TrainConfig::freeze_epochs, at_least(0), identity,
              "for so many first epochs train the last layer alone, the rest as it predicts (BatchNorm's statistics "
              "stand still too); for pretrained weights"),
        field("keep", &TrainConfig::keep, one_of("last", "best"), identity,
              "which weights are kept: the last ones, or those of the epoch that was best by score on rows set aside "
              "from the fold's training side (inner_share); nothing of the held-out fold chooses"),
        field("inner_share", &TrainConfig::inner_share, between(0.01, 0.5), identity,
              "with keep: best, share of the training side's rows, in whole groups, that is set aside to choose by, "
              "and not trained on"),
        field("patience", &TrainConfig::patience, at_least(0), identity,
              "with keep: best, stop after so many epochs in a row that were no better; 0: never"),
        field("ema", &TrainConfig::ema, below_one(), identity,
              "predict with, and keep, an exponential moving average of the weights over the steps, with this decay "
              "(0.99, say; less in the first steps); 0: off"),
        field("augment", &TrainConfig::augment, any(), identity,
              "changes to training images, drawn anew in each epoch"),
        field("progressive", &TrainConfig::progressive, any(), identity,
              "smaller images in the first epochs, which are faster; predictions are made at full size")};
  }
};

}  // namespace pleat
