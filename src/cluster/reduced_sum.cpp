// Gradient sums by c10d::Reducer, the core of PyTorch's DistributedDataParallel. Follows torch 2.14,
// torch/nn/parallel/distributed.py. The Reducer's constructor changes between releases; only this file calls it.
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <torch/csrc/distributed/c10d/comm.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "cluster/gradient_sum.h"

namespace pleat {
namespace {

constexpr std::int64_t kFirstBucketBytes = std::int64_t{1} << 20, kBucketBytes = std::int64_t{25} << 20;

/// Sums a bucket over the shards. The Reducer's default hook would compute the mean instead.
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
  // Reverse order: the last layer's gradients are ready first, so its buckets are sent first.
  std::reverse(buckets.begin(), buckets.end());
  auto reducer = std::make_unique<c10d::Reducer>(
      parameters, std::move(buckets), group, std::vector<bool>(parameters.size(), false), kBucketBytes,
      /*find_unused_parameters=*/false, /*gradient_as_bucket_view=*/false,
      std::unordered_map<std::size_t, std::string>{}, kFirstBucketBytes, /*skip_all_reduce_unused_params=*/false,
      /*use_python_reducer=*/false, /*bucket_bytes_cap_list=*/std::vector<std::int64_t>{});
  reducer->register_comm_hook(std::make_unique<SumHook>(group));
  return reducer;
}

/// Returns [parameters] int32 on CPU: 1 if the parameter gets a gradient from `loss`, else 0.
torch::Tensor reached_by(const torch::Tensor& loss, const std::vector<torch::Tensor>& parameters) {
  std::unordered_set<const torch::autograd::Node*> seen;
  std::vector<const torch::autograd::Node*> open;
  const auto visit = [&](const torch::autograd::Node* node) {
    if (node && seen.insert(node).second) open.push_back(node);
  };
  if (loss.defined()) visit(loss.grad_fn().get());
  while (!open.empty()) {
    const torch::autograd::Node* node = open.back();
    open.pop_back();
    for (const torch::autograd::Edge& edge : node->next_edges()) visit(edge.function.get());
  }
  torch::Tensor reached = at::zeros({static_cast<std::int64_t>(parameters.size())}, torch::kInt32);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto accumulator = torch::autograd::impl::grad_accumulator(parameters[i]);
    if (seen.contains(accumulator.get())) reached.data_ptr<int>()[i] = 1;
  }
  return reached;
}

class ReducedSum : public GradientSum {
 public:
  ReducedSum(std::vector<torch::Tensor> parameters, c10::intrusive_ptr<c10d::ProcessGroup> group)
      : parameters_(std::move(parameters)), group_(std::move(group)) {}

  void begin_step() override {
    for (torch::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
  }

  void backward(const torch::Tensor& loss, bool last) override {
    if (!last) {  // the Reducer is inactive before prepare_for_backward: gradients add up locally (DDP's no_sync)
      if (loss.defined()) loss.backward();
      return;
    }
    if (!reducer_) start(loss);
    reducer_->prepare_for_forward();
    reducer_->prepare_for_backward({});
    (loss.defined() ? loss : nothing()).backward();
  }

  void end_step() override {
    // A parameter without a gradient blocks its bucket and all later ones: part of the sum would be missing.
    try {
      reducer_->check_finalized();
    } catch (const c10::Error&) {
      throw ClusterError(
          "a parameter that had a gradient in the first step has none in this one, so the shards cannot sum its "
          "gradients; train this model with cluster.shards: 1 or cluster.exact: true");
    }
    // Unlike DDP, never rebuilds buckets in the order of first use: sums would change order after the first step, and a
    // resumed run would differ. Clears the Reducer's notes for rebuilding, which would grow without limit.
    reducer_->reset_state();
    for (torch::Tensor& parameter : parameters_) {
      if (!parameter.grad().defined()) parameter.mutable_grad() = at::zeros_like(parameter);
    }
  }

 private:
  /// Creates the Reducer for the parameters that the loss depends on, since it waits for a gradient of each. All shards
  /// must use the same ones; a shard with an empty part cannot find them alone.
  void start(const torch::Tensor& loss) {
    std::vector<torch::Tensor> reached{reached_by(loss, parameters_)};
    group_->allreduce(reached, {.reduceOp = c10d::ReduceOp::MAX})->wait();
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      if (reached[0].data_ptr<int>()[i] != 0) reduced_.push_back(parameters_[i]);
    }
    if (reduced_.empty()) throw UsageError("the loss depends on none of the trained parameters; check the network");
    reducer_ = make_reducer(reduced_, group_);
  }

  /// A zero loss that depends on every parameter: a shard with an empty part must still join its peers' sums.
  torch::Tensor nothing() const {
    torch::Tensor sum = at::zeros({}, reduced_.front().options());
    for (const torch::Tensor& parameter : reduced_) sum = sum + (parameter.flatten().narrow(0, 0, 1) * 0).sum();
    return sum;
  }

  std::vector<torch::Tensor> parameters_, reduced_;
  c10::intrusive_ptr<c10d::ProcessGroup> group_;
  std::unique_ptr<c10d::Reducer> reducer_;  // created at the first loss
};

}  // namespace

std::unique_ptr<GradientSum> make_reduced_sum(std::vector<torch::Tensor> parameters,
                                              c10::intrusive_ptr<c10d::ProcessGroup> group) {
  return std::make_unique<ReducedSum>(std::move(parameters), std::move(group));
}

}  // namespace pleat
