// A job's training loss on one part of a batch, over all heads.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>
#include <vector>

#include "batches/batch_loader.h"
#include "train/fold_job.h"

namespace pleat {

/// The loss of one head's outputs.
class HeadLoss {
 public:
  HeadLoss(const Head& head, const TrainConfig& train, const torch::Device& device);

  /// Returns a scalar: the sum over the part's rows, divided by `batch`. So the parts of a batch add up to its mean.
  /// Macro F1 is computed on the part alone and weighted by its number of rows.
  ///   outputs [n, head.code.outputs], any float type; the loss is computed in float32
  ///   positions [n] int64 on the device, in the job's training rows
  ///   mixed: partners and shares of mixed images (mixup, cutmix), if any
  ///   batch: images of the whole batch
  torch::Tensor operator()(const torch::Tensor& outputs, const torch::Tensor& positions, const Batch& mixed,
                           std::int64_t batch) const;

 private:
  torch::Tensor plain(const torch::Tensor& outputs, const torch::Tensor& positions, std::int64_t batch) const;
  torch::Tensor of_rows(const torch::Tensor& outputs, const torch::Tensor& positions) const;
  torch::Tensor one_minus_f1(const torch::Tensor& outputs, const torch::Tensor& positions, const Batch& mixed) const;
  torch::Tensor targets_of(const torch::Tensor& positions) const;

  Teaching teaching_;
  std::int64_t outputs_;
  double smoothing_, focal_, f1_;
  torch::Tensor labels_;   // [rows] int64: class or bin
  torch::Tensor numbers_;  // [rows] float32, standardised; undefined unless trained as a number (regress)
  torch::Tensor weights_;  // [rows] float32; undefined: all 1
  torch::Tensor soft_;     // [pseudo-labelled rows, outputs] float32: their target distributions; undefined: one-hot
  std::int64_t labelled_;  // rows before these
  torch::Tensor spread_;   // [bins, bins] float32: target distribution for each label; undefined: one-hot
};

class JobLoss {
 public:
  JobLoss(const FoldJob& job, const torch::Device& device);

  /// Returns a scalar: the weighted sum of the heads' losses (HeadLoss).
  ///   outputs [n, job.outputs()]
  ///   positions: in the job's training rows
  torch::Tensor operator()(const torch::Tensor& outputs, std::span<const std::int64_t> positions, const Batch& part,
                           std::int64_t batch) const;

 private:
  torch::Device device_;
  std::vector<HeadLoss> heads_;
  std::vector<std::int64_t> widths_;
  std::vector<double> weights_;
};

/// Weight of each row by its class (train.loss.class_weights), with mean 1. Returns an empty vector for "none".
std::vector<float> row_weights(const std::string& kind, const std::vector<std::int64_t>& labels);

}  // namespace pleat
