// Running statistics (BatchNorm's) over the parts of a batch. Each part starts from the values at the start of the
// step; the step ends with the mean over the parts.
#pragma once

#include <torch/types.h>

#include <optional>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <vector>

#include "cluster/flat_tensors.h"
#include "cluster/tree_sum.h"

namespace pleat {

class RunningStatistics {
 public:
  /// Handles floating-point buffers and integer counters, all on one device. Ignores other buffers.
  ///   group: null for one shard
  RunningStatistics(const std::vector<torch::Tensor>& buffers, c10::intrusive_ptr<c10d::ProcessGroup> group,
                    bool exact);

  void begin_step();
  /// Restores the values at the start of the step.
  void begin_part();
  /// Records the finished part's change of the buffers; an empty part records nothing.
  void end_part(bool empty);
  /// Called after this shard's last part. Except in exact mode, starts the all-reduce, which overlaps with backward.
  void send();
  /// Sets each buffer to its value at the start of the step + the mean of the parts' changes. A buffer that no part
  /// changed stays byte-identical.
  void end_step();

 private:
  torch::Tensor change();

  std::vector<torch::Tensor> floats_, integers_;
  c10::intrusive_ptr<c10d::ProcessGroup> group_;
  bool exact_;
  std::optional<FlatTensors> places_;  // the floats, then the integers, then the number of parts
  torch::Tensor first_;                // flat; zero except for the floats
  std::vector<torch::Tensor> first_floats_;
  std::vector<torch::Tensor> first_integers_;  // as integers: a float would round large values
  TreeSum tree_;
  torch::Tensor sum_;
  c10::intrusive_ptr<c10d::Work> sending_;
};

}  // namespace pleat
