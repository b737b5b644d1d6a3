// c10d::Reducer, the core of PyTorch's DistributedDataParallel, whose use this file follows (torch 2.14,
// torch/nn/parallel/distributed.py). The Reducer's constructor changes between releases; it is called here alone.
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <torch/csrc/distributed/c10d/comm.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <utility>

#include "base/error.h"
#include "cluster/gradient_sum.h"

namespace pleat {
namespace {

constexpr std::int64_t kFirstBucketBytes = std::int64_t{1} << 20, kBucketBytes = std::int64_t{25} << 20;

/// Sums a bucket over the shards. Without a hook of its own the Reducer divides by their number, for a mean.
class SumHook : public c10d::CommHookInterface {
 public:
  explicit SumHook(c10::intrusive_ptr<c10d::ProcessGroup> group) : group_(std::move(group)) {}

  c10::intrusive_ptr<c10::ivalue::Future> runHook(c10d::GradBucket& bucket) override {
    std::vector<at::Tensor> buffers{bucket.getBufferRef()};
    return group_->allreduce(buffers)->getFuture();
  }
  at::Tensor parseHookResult(const c10::IValue& result) override {
    return c10d::detail::parseCppCommHookResult(result);
  }

 private:
  c10::intrusive_ptr<c10d::ProcessGroup> group_;
};

std::unique_ptr<c10d::Reducer> make_reducer(const std::vector<torch::Tensor>& parameters,
                                            const c10::intrusive_ptr<c10d::ProcessGroup>& group) {
  auto [buckets, limits] = c10d::compute_bucket_assignment_by_size(
      parameters, {static_cast<std::size_t>(kFirstBucketBytes), static_cast<std::size_t>(kBucketBytes)});
  // Gradients become ready from the last layer to the first; in this order buckets can travel meanwhile.
  std::reverse(buckets.begin(), buckets.end());
  auto reducer = std::make_unique<c10d::Reducer>(
      parameters, std::move(buckets), group, std::vector<bool>(parameters.size(), false), kBucketBytes,
      /*find_unused_parameters=*/false, /*gradient_as_bucket_view=*/false,
      std::unordered_map<std::size_t, std::string>{}, kFirstBucketBytes, /*skip_all_reduce_unused_params=*/false,
      /*use_python_reducer=*/false, /*bucket_bytes_cap_list=*/std::vector<std::int64_t>{});
  reducer->register_comm_hook(std::make_unique<SumHook>(group));
  return reducer;
}

class ReducedSum : public GradientSum {
 public:
  ReducedSum(std::vector<torch::Tensor> parameters, const c10::intrusive_ptr<c10d::ProcessGroup>& group)
      : parameters_(std::move(parameters)), reducer_(make_reducer(parameters_, group)) {}

  void begin_step() override {
    for (torch::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
  }

  void backward(const torch::Tensor& loss, bool last) override {
    if (!last) {  // the Reducer's hooks sleep until prepare_for_backward: gradients add up here (DDP's no_sync)
      if (loss.defined()) loss.backward();
      return;
    }
    reducer_->prepare_for_forward();
    reducer_->prepare_for_backward({});
    (loss.defined() ? loss : nothing()).backward();
  }

  void end_step() override {
    // The first bucket that waits for a parameter without gradient holds up the others: the sum would be half done.
    try {
      reducer_->check_finalized();
    } catch (const c10::Error&) {
      throw ClusterError(
          "a parameter got no gradient, so the shards cannot sum theirs; freeze what the loss does not reach, or "
          "train this model with cluster.shards: 1 or cluster.exact: true");
    }
    // Buckets are never rebuilt in the order of first use as DDP does: the order of sums would change after the
    // first step, and with it the bits of a resumed run. What the Reducer notes for rebuilding would pile up.
    reducer_->reset_state();
  }

 private:
  /// A loss of zero that reaches every parameter: an empty part must still join its peers' sums.
  torch::Tensor nothing() const {
    torch::Tensor sum = at::zeros({}, parameters_.front().options());
    for (const torch::Tensor& parameter : parameters_) sum = sum + (parameter.flatten().narrow(0, 0, 1) * 0).sum();
    return sum;
  }

  std::vector<torch::Tensor> parameters_;
  std::unique_ptr<c10d::Reducer> reducer_;
};

}  // namespace

std::unique_ptr<GradientSum> make_reduced_sum(std::vector<torch::Tensor> parameters,
                                              c10::intrusive_ptr<c10d::ProcessGroup> group) {
  return std::make_unique<ReducedSum>(std::move(parameters), group);
}

}  // namespace pleat
