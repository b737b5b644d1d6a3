// How a model is trained; see docs/config.md, which is made from here.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "base/fields.h"
#include "data/augment.h"

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
  std::string keep = "last";
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
        field("keep", &TrainConfig::keep, one_of("last"), identity,
              "which weights are kept: the last ones, which nothing of the held-out fold chose"),
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
