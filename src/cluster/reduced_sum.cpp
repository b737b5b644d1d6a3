// c10d::Reducer, the core of PyTorch's DistributedDataParallel, whose use this file follows (torch 2.14,
// torch/nn/parallel/distributed.py). The Reducer's constructor changes between releases; it is called here alone.
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

/// 1 for each parameter that gradients of `loss` reach, else 0: [parameters] int32 on CPU.
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
    if (!last) {  // the Reducer's hooks sleep until prepare_for_backward: gradients add up here (DDP's no_sync)
      if (loss.defined()) loss.backward();
      return;
    }
    if (!reducer_) start(loss);
    reducer_->prepare_for_forward();
    reducer_->prepare_for_backward({});
    (loss.defined() ? loss : nothing()).backward();
  }

  void end_step() override {
    // A bucket that waits for a parameter without gradient holds up those after it: the sum would be half done.
    try {
      reducer_->check_finalized();
    } catch (const c10::Error&) {
      throw ClusterError(
          "a parameter that had a gradient in the first step has none in this one, so the shards cannot sum theirs; "
          "train this model with cluster.shards: 1 or cluster.exact: true");
    }
    // Buckets are never rebuilt in the order of first use as DDP does: the order of sums would change after the
    // first step, and with it the bits of a resumed run. What the Reducer notes for rebuilding would pile up.
    reducer_->reset_state();
    for (torch::Tensor& parameter : parameters_) {
      if (!parameter.grad().defined()) parameter.mutable_grad() = at::zeros_like(parameter);
    }
  }

 private:
  /// The Reducer waits for a gradient of each of its parameters, so it gets those that the loss reaches. All shards
  /// must see the same ones; a shard whose part is empty sees none by itself.
  void start(const torch::Tensor& loss) {
    std::vector<torch::Tensor> reached{reached_by(loss, parameters_)};
    group_->allreduce(reached, {.reduceOp = c10d::ReduceOp::MAX})->wait();
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      if (reached[0].data_ptr<int>()[i] != 0) reduced_.push_back(parameters_[i]);
    }
    if (reduced_.empty()) throw UsageError("the loss reaches none of the parameters that are to be trained");
    reducer_ = make_reducer(reduced_, group_);
  }

  /// A loss of zero that reaches every parameter: an empty part must still join its peers' sums.
  torch::Tensor nothing() const {
    torch::Tensor sum = at::zeros({}, reduced_.front().options());
    for (const torch::Tensor& parameter : reduced_) sum = sum + (parameter.flatten().narrow(0, 0, 1) * 0).sum();
    return sum;
  }

  std::vector<torch::Tensor> parameters_, reduced_;
  c10::intrusive_ptr<c10d::ProcessGroup> group_;
  std::unique_ptr<c10d::Reducer> reducer_;  // made with the first loss
};

}  // namespace

std::unique_ptr<GradientSum> make_reduced_sum(std::vector<torch::Tensor> parameters,
                                              c10::intrusive_ptr<c10d::ProcessGroup> group) {
  return std::make_unique<ReducedSum>(std::move(parameters), std::move(group));
}

}  // namespace pleat
