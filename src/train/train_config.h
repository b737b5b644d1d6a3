// Training options (train). docs/config.md is generated from this file.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "base/fields.h"
#include "data/augment.h"
#include "train/labels_config.h"
#include "train/loss_config.h"

namespace pleat {

struct ProgressiveConfig {
  std::int64_t from = 0;
  double delay = 0.0;
  double until = 0.6;
  static constexpr auto fields() {
    return std::tuple{
        field("from", &ProgressiveConfig::from, between(0, 1 << 16), identity,
              "shorter side of the images in the first epochs, in pixels, below that of the crops; 0: off"),
        field("delay", &ProgressiveConfig::delay, below_one(), identity,
              "fraction of the epochs before images start to grow; at most until"),
        field("until", &ProgressiveConfig::until, above_zero_to_one(), identity,
              "fraction of the epochs after which images have full size; until then they grow in multiples of 4 "
              "pixels; the last epoch always has full size")};
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
  LabelsConfig labels;
  std::int64_t last_batch = 0;
  double norm_bias_rate = 1.0;
  double norm_momentum = 0.1;
  static constexpr auto fields() {
    return std::tuple{
        field("epochs", &TrainConfig::epochs, between(1, 100000), identity, "passes over the training rows"),
        field("batch", &TrainConfig::batch, between(1, 1 << 20), identity,
              "images per optimizer step, over all shards"),
        field("micro_batches", &TrainConfig::micro_batches, between(1, 4096), identity,
              "parts of each batch; each has BatchNorm statistics of its own, and gradients are summed over the parts"),
        field("lr", &TrainConfig::lr, above(0.0), identity, "peak learning rate, after warm-up"),
        field("optimizer", &TrainConfig::optimizer, one_of("adamw", "sgd"), identity,
              "adamw, or sgd with Nesterov momentum"),
        field("weight_decay", &TrainConfig::weight_decay, at_least(0.0), identity,
              "decoupled for adamw, L2 for sgd; not applied to biases and BatchNorm"),
        field("momentum", &TrainConfig::momentum, below_one(), identity, "sgd's momentum, or adamw's beta1"),
        field("beta2", &TrainConfig::beta2, below_one(), identity, "adamw's second-moment decay"),
        field("schedule", &TrainConfig::schedule, one_of("one_cycle", "cosine", "constant"), identity,
              "learning rate over the steps. one_cycle: cosine up, cosine down; cosine: linear warm-up, cosine down; "
              "constant: linear warm-up, then constant"),
        field("warmup", &TrainConfig::warmup, below_one(), identity, "fraction of all steps that warm up"),
        field("label_smoothing", &TrainConfig::label_smoothing, below_one(), identity,
              "probability mass spread evenly over all classes"),
        field(
            "precision", &TrainConfig::precision, one_of("auto", "fp32", "bf16"), identity,
            "auto: bf16 where the hardware supports it (CUDA, AVX-512-bf16, AMX), else fp32; run.json has the choice"),
        field("loss", &TrainConfig::loss, any(), omit_at_default, "training loss; default: plain cross-entropy"),
        field("sampling", &TrainConfig::sampling, one_of("shuffle", "balanced", "balanced_sqrt"), omit_at_default,
              "rows of each epoch. shuffle: every row once; balanced: as many rows, but all classes equally often, so "
              "that rows of rare classes repeat; balanced_sqrt: classes by the square root of their rows; with "
              "targets_as: heads, a class is a combination of all targets' classes"),
        field("clip", &TrainConfig::clip, at_least(0.0), omit_at_default,
              "clip the gradient norm over all parameters to at most this; for example 1; 0: off"),
        field("layer_decay", &TrainConfig::layer_decay, above_zero_to_one(), omit_at_default,
              "learning rate of each layer (residual block, stage) as a factor of the next layer's; the last layer has "
              "the full rate; for example 0.8 with pretrained weights; 1: off"),
        field("freeze_epochs", &TrainConfig::freeze_epochs, at_least(0), omit_at_default,
              "in this many first epochs train only the last layer; the rest, BatchNorm statistics included, does not "
              "change; for pretrained weights; 0: off"),
        field("keep", &TrainConfig::keep, one_of("last", "best"), identity,
              "weights to keep. last: those after the last epoch; best: those of the epoch with the best score on "
              "training rows set aside for this (inner_share); the held-out fold never takes part in the choice"),
        field("inner_share", &TrainConfig::inner_share, between(0.01, 0.5), identity,
              "with keep: best or predict.temperature, share of the training rows to set aside, in whole groups; they "
              "are "
              "not trained on"),
        field("patience", &TrainConfig::patience, at_least(0), omit_at_default,
              "with keep: best, stop after this many epochs in a row without improvement; 0: never"),
        field("ema", &TrainConfig::ema, below_one(), omit_at_default,
              "keep, and predict with, an exponential moving average of the weights over the steps, with this decay; "
              "for example 0.99 (the first steps use less); 0: off"),
        field("augment", &TrainConfig::augment, any(), identity,
              "random changes to training images, drawn for each epoch"),
        field("progressive", &TrainConfig::progressive, any(), omit_at_default,
              "smaller images in the first epochs, which saves time; predictions use full size"),
        field("labels", &TrainConfig::labels, any(), omit_at_default,
              "labels that networks do not learn as they stand in the table; scores keep the table's labels"),
        field("last_batch", &TrainConfig::last_batch, between(0, 1 << 20), omit_at_default,
              "images per optimizer step in the last epoch, above batch; batches of the epochs before grow evenly in "
              "ratio: many steps early, fast ones late; 0: as batch"),
        field("norm_bias_rate", &TrainConfig::norm_bias_rate, above(0.0), omit_at_default,
              "learning rate of BatchNorm's biases as a factor of the others', above 1 for short trainings with sgd "
              "(64 in Page 2018); 1: off"),
        field("norm_momentum", &TrainConfig::norm_momentum, above_zero_to_one(), omit_at_default,
              "share of each batch in BatchNorm's running mean and variance; more follows weights that change fast")};
  }
};

}  // namespace pleat
