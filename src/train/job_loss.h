// A job's training loss: over its heads, of the rows of one part of a batch.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>
#include <vector>

#include "data/batch_loader.h"
#include "train/fold_job.h"

namespace pleat {

/// The loss of one head's outputs.
class HeadLoss {
 public:
  HeadLoss(const Head& head, const TrainConfig& train, const torch::Device& device);

  /// outputs [n, head.code.outputs], any float type (computed in float32); positions [n] int64 on the device, of the
  /// job's training rows; mixed: whose images are mixed, may have none. Scalar: summed over the rows and divided by
  /// `batch`, so that the parts of a batch add up to its mean. Macro F1 is of the part alone, and counts by its rows.
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
  torch::Tensor numbers_;  // [rows] float32, standardised; undefined unless the number itself is taught
  torch::Tensor weights_;  // [rows] float32; undefined: all 1
  torch::Tensor spread_;   // [bins, bins] float32: what a label stands for; undefined: itself
};

class JobLoss {
 public:
  JobLoss(const FoldJob& job, const torch::Device& device);

  /// outputs [n, job.outputs()]; positions: in the job's training rows. Scalar, as HeadLoss's: the heads' sum by their
  /// weights.
  torch::Tensor operator()(const torch::Tensor& outputs, std::span<const std::int64_t> positions, const Batch& part,
                           std::int64_t batch) const;

 private:
  torch::Device device_;
  std::vector<HeadLoss> heads_;
  std::vector<std::int64_t> widths_;
  std::vector<double> weights_;
};

/// Weight of each row by its class, as LossConfig::class_weights says; their mean is 1. Empty for "none".
std::vector<float> row_weights(const std::string& kind, const std::vector<std::int64_t>& labels);

}  // namespace pleat
