// One batch, V micro-batches, S shards: gradients are summed over all parts, BatchNorm's running statistics are
// averaged over them, so that one rank that walks the parts and S shards that share them take the same step.
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
  bool exact = false;                            // sum over a fixed binary tree: the same bits for any S that divides V
};

class GradientSync {
 public:
  /// parameters: those that train, in a fixed order, the same on every shard. buffers: floating-point buffers
  /// (running statistics) and the integer counters beside them. Makes both equal to shard 0's on every shard.
  /// Throws UsageError if V is no multiple of S; in exact mode also if V is not a power of two, or the parameters are
  /// of several types. Collective: every shard must call it.
  GradientSync(std::vector<torch::Tensor> parameters, std::vector<torch::Tensor> buffers,
               const GradientSyncOptions& options);
  ~GradientSync();

  int shards() const;
  /// The parts of each batch that this shard walks: [first_part, first_part + part_count).
  int first_part() const;
  int part_count() const;

  /// True if every shard passes true. Called before each backward: a shard that threw instead would leave the
  /// others waiting in an all-reduce. It waits for late shards without limit (and says so now and then): it is the
  /// place where they may be late. With one shard it returns its argument. A step that was not agreed on cannot
  /// be taken up again: let go of this object.
  bool all_agree(bool ok);

  /// A step is: begin_step; for each own part, in order: begin_part, forward, backward(loss); end_step.
  /// Afterwards .grad of every parameter holds the sum over all V parts of d loss / d parameter, and every running
  /// statistic is the mean over the parts of what each part alone would have made of the step's first value.
  /// Gradients are cleared by begin_step (they are undefined until a part has made some); those of the last step
  /// must not be kept beyond it.
  /// An empty part (the last batch of an epoch may have fewer samples than V) passes an undefined loss: it adds
  /// nothing and does not count in the statistics' mean. Part 0 is never empty.
  /// With several shards, an error out of backward or end_step is a ClusterError that ends the run: peers are inside
  /// collectives which this shard will not join, so that no later one would match.
  void begin_step();
  void begin_part();
  void backward(const torch::Tensor& loss);
  void end_step();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pleat
