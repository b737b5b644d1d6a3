// The running statistics of a batch that is made of parts: each part starts from the step's first value, the step
// ends with the mean over the parts.
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
  /// buffers: floating-point ones and integer counters, on one device; others are left alone. group: null for one
  /// shard.
  RunningStatistics(const std::vector<torch::Tensor>& buffers, c10::intrusive_ptr<c10d::ProcessGroup> group,
                    bool exact);

  void begin_step();
  /// Puts the step's first value back.
  void begin_part();
  /// Takes up what the part just done has made of the buffers; nothing, if it was empty.
  void end_part(bool empty);
  /// All own parts are done: sends their sum off (other than in exact mode), to travel while backward goes on.
  void send();
  /// Sets each buffer to first value + mean over the parts of what each added to it. A buffer that no part has
  /// changed keeps its bits.
  void end_step();

 private:
  torch::Tensor change();

  std::vector<torch::Tensor> floats_, integers_;
  c10::intrusive_ptr<c10d::ProcessGroup> group_;
  bool exact_;
  std::optional<FlatTensors> places_;  // of the floats, then the integers, then the number of parts
  torch::Tensor first_;                // flat; zero but for the floats
  std::vector<torch::Tensor> first_floats_;
  std::vector<torch::Tensor> first_integers_;  // kept as integers: a float would round large ones
  TreeSum tree_;
  torch::Tensor sum_;
  c10::intrusive_ptr<c10d::Work> sending_;
};

}  // namespace pleat
