#include "cluster/gradient_sync.h"

#include <ATen/ops/full.h>

#include <bit>
#include <functional>
#include <stdexcept>
#include <utility>

#include "base/error.h"
#include "cluster/failure.h"
#include "cluster/gradient_sum.h"
#include "cluster/running_statistics.h"

namespace pleat {
namespace {

int shards_of(const GradientSyncOptions& options) { return options.group ? options.group->getSize() : 1; }

void check(const GradientSyncOptions& options, std::size_t parameters) {
  const int parts = options.micro_batches, shards = shards_of(options);
  if (parts < 1) throw UsageError("train.micro_batches is {}; it must be 1 or more", parts);
  if (parts % shards != 0) {
    throw UsageError("train.micro_batches is {}, which {} shards cannot share evenly; use a multiple of {}", parts,
                     shards, shards);
  }
  if (options.exact && !std::has_single_bit(static_cast<unsigned>(parts))) {
    throw UsageError("train.micro_batches is {}; with cluster.exact it must be a power of two", parts);
  }
  if (parameters == 0) throw UsageError("there is nothing to train: every parameter is frozen");
}

/// One shard needs no c10d; one part needs no tree.
std::unique_ptr<GradientSum> make_sum(std::vector<torch::Tensor> parameters, const GradientSyncOptions& options,
                                      c10::intrusive_ptr<c10d::ProcessGroup> group) {
  if (options.exact && options.micro_batches > 1) return make_exact_sum(std::move(parameters), std::move(group));
  if (group) return make_reduced_sum(std::move(parameters), std::move(group));
  return make_plain_sum(std::move(parameters));
}

void take_from_first_shard(c10d::ProcessGroup& group, const std::vector<torch::Tensor>& tensors) {
  for (const torch::Tensor& tensor : tensors) {
    std::vector<torch::Tensor> one{tensor.detach()};
    group.broadcast(one)->wait();
  }
}

}  // namespace

struct GradientSync::Impl {
  c10::intrusive_ptr<c10d::ProcessGroup> group;  // null: one shard
  int shards, shard, own_parts;
  std::unique_ptr<GradientSum> gradients;
  std::optional<RunningStatistics> statistics;  // none for one part: the network updates its buffers itself
  int begun = 0, done = 0;                      // parts of the current step

  /// Runs a step that peers wait for in collectives. After an error in it, shards can no longer agree on anything.
  void amid_peers(const std::function<void()>& work) {
    if (!group) return work();
    try {
      work();
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      throw ClusterError("shard {} of {} failed in backward while its peers wait for its gradients: {}", shard, shards,
                         message_of(error));
    }
  }
};

GradientSync::GradientSync(std::vector<torch::Tensor> parameters, std::vector<torch::Tensor> buffers,
                           const GradientSyncOptions& options)
    : impl_(std::make_unique<Impl>()) {
  check(options, parameters.size());
  impl_->shards = shards_of(options);
  impl_->group = impl_->shards > 1 ? options.group : nullptr;
  impl_->shard = impl_->group ? impl_->group->getRank() : 0;
  impl_->own_parts = options.micro_batches / impl_->shards;
  if (impl_->group) {
    take_from_first_shard(*impl_->group, parameters);
    take_from_first_shard(*impl_->group, buffers);
  }
  if (options.micro_batches > 1) impl_->statistics.emplace(buffers, impl_->group, options.exact);
  impl_->gradients = make_sum(std::move(parameters), options, impl_->group);
}

GradientSync::~GradientSync() = default;

int GradientSync::shards() const { return impl_->shards; }
int GradientSync::first_part() const { return impl_->shard * impl_->own_parts; }
int GradientSync::part_count() const { return impl_->own_parts; }

bool GradientSync::all_agree(bool ok) {
  if (!impl_->group) return ok;
  // On CPU even if the shards train on CUDA, to wait for no CUDA stream.
  std::vector<torch::Tensor> votes{at::full({1}, ok ? 1 : 0, torch::kInt32)};
  impl_->group->allreduce(votes, {.reduceOp = c10d::ReduceOp::MIN})->wait();
  return votes[0].item<int>() == 1;
}

void GradientSync::begin_step() {
  impl_->begun = impl_->done = 0;
  impl_->gradients->begin_step();
  if (impl_->statistics) impl_->statistics->begin_step();
}

void GradientSync::begin_part() {
  if (impl_->begun != impl_->done) throw std::logic_error("GradientSync: begin_part before the last part's backward");
  ++impl_->begun;
  if (impl_->statistics) impl_->statistics->begin_part();
}

void GradientSync::backward(const torch::Tensor& loss) {
  if (impl_->begun != impl_->done + 1) throw std::logic_error("GradientSync: backward without begin_part");
  const bool last = ++impl_->done == impl_->own_parts;
  impl_->amid_peers([&] {
    if (impl_->statistics) {
      impl_->statistics->end_part(!loss.defined());
      if (last) impl_->statistics->send();
    }
    impl_->gradients->backward(loss, last);
  });
}

void GradientSync::end_step() {
  if (impl_->done != impl_->own_parts) throw std::logic_error("GradientSync: end_step before all parts are done");
  impl_->amid_peers([&] {
    impl_->gradients->end_step();
    if (impl_->statistics) impl_->statistics->end_step();
  });
}

}  // namespace pleat
