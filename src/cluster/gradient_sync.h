// One training step over V micro-batches on S shards. Gradients are summed over all parts, BatchNorm's running
// statistics are averaged over them. One rank with all parts takes the same step as S shards that share the parts.
#pragma once

#include <torch/types.h>

#include <memory>
#include <optional>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <vector>

namespace pleat {

struct GradientSyncOptions {
  c10::intrusive_ptr<c10d::ProcessGroup> group;  // null: one shard
  int micro_batches = 1;                         // V; a multiple of the number of shards
  bool exact = false;                            // sum over a fixed binary tree: same bits for any S that divides V
};

class GradientSync {
 public:
  /// Copies shard 0's parameters and buffers to every shard.
  ///   parameters: the trained ones, in the same order on every shard
  ///   buffers: running statistics (floating-point) and integer counters
  /// Throws: UsageError if V is no multiple of S; in exact mode also if V is not a power of two or the parameters have
  /// several dtypes.
  /// Collective: every shard must call it.
  GradientSync(std::vector<torch::Tensor> parameters, std::vector<torch::Tensor> buffers,
               const GradientSyncOptions& options);
  ~GradientSync();

  int shards() const;
  /// This shard's parts of each batch: [first_part, first_part + part_count).
  int first_part() const;
  int part_count() const;

  /// Collective. Returns true if every shard passes true; with one shard, its argument.
  /// Requires: called before each backward. A shard that threw instead would leave its peers waiting in an all-reduce.
  /// Waits for late shards without limit, with a warning now and then.
  /// After false, this object must not be used any more.
  bool all_agree(bool ok);

  /// A step is: begin_step; for each own part, in order: begin_part, forward, backward(loss); end_step.
  /// Afterwards .grad of every parameter is the sum over all V parts of d loss / d parameter. Each part updates the
  /// running statistics from their values at begin_step; afterwards they are the mean of these updates.
  /// begin_step clears all gradients (undefined until a part has some); do not keep the last step's beyond it.
  /// An empty part passes an undefined loss. It adds nothing and does not count in the statistics' mean. An epoch's
  /// last batch has empty parts if it has fewer than V samples. Part 0 is never empty.
  /// Throws: with several shards, ClusterError from backward or end_step. It must end the run: peers are inside
  /// collectives that this shard does not join.
  void begin_step();
  void begin_part();
  void backward(const torch::Tensor& loss);
  void end_step();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pleat
