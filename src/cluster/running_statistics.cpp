#include "cluster/running_statistics.h"

#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <utility>

namespace pleat {
namespace {

bool is_double(const torch::Tensor& tensor) { return tensor.scalar_type() == torch::kFloat64; }

/// Returns `count` of the views, starting at `first`.
std::vector<torch::Tensor> part_of(const std::vector<torch::Tensor>& views, std::size_t first, std::size_t count) {
  const auto begin = views.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace

RunningStatistics::RunningStatistics(const std::vector<torch::Tensor>& buffers,
                                     c10::intrusive_ptr<c10d::ProcessGroup> group, bool exact)
    : group_(std::move(group)), exact_(exact) {
  for (const torch::Tensor& buffer : buffers) {
    if (buffer.numel() == 0) continue;
    if (buffer.is_floating_point()) {
      floats_.push_back(buffer.detach());
    } else if (torch::isIntegralType(buffer.scalar_type(), /*includeBool=*/false)) {
      integers_.push_back(buffer.detach());
    }
  }
  std::vector<torch::Tensor> all = floats_;
  all.insert(all.end(), integers_.begin(), integers_.end());
  if (all.empty()) return;
  all.push_back(at::zeros({1}, all.front().options()));
  places_.emplace(all, std::any_of(floats_.begin(), floats_.end(), is_double) ? torch::kFloat64 : torch::kFloat32);
  first_ = places_->make();
  first_floats_ = part_of(places_->views(first_), 0, floats_.size());
  for (const torch::Tensor& integer : integers_) first_integers_.push_back(integer.clone());
}

void RunningStatistics::begin_step() {
  if (!places_) return;
  torch::NoGradGuard no_grad;
  if (!floats_.empty()) at::_foreach_copy_(first_floats_, floats_);
  for (std::size_t i = 0; i < integers_.size(); ++i) first_integers_[i].copy_(integers_[i]);
  sum_.reset();
}

void RunningStatistics::begin_part() {
  if (!places_) return;
  torch::NoGradGuard no_grad;
  if (!floats_.empty()) at::_foreach_copy_(floats_, first_floats_);
  for (std::size_t i = 0; i < integers_.size(); ++i) integers_[i].copy_(first_integers_[i]);
}

torch::Tensor RunningStatistics::change() {
  torch::Tensor now = places_->make();
  const std::vector<torch::Tensor> views = places_->views(now);
  if (!floats_.empty()) at::_foreach_copy_(part_of(views, 0, floats_.size()), floats_);
  for (std::size_t i = 0; i < integers_.size(); ++i) {
    views[floats_.size() + i].copy_(integers_[i] - first_integers_[i]);
  }
  views.back().fill_(1);
  // Unchanged infinities (in attention masks, which are buffers too) give 0 instead of inf - inf.
  return (now - first_).masked_fill_(now.eq(first_), 0);
}

void RunningStatistics::end_part(bool empty) {
  if (!places_) return;
  torch::NoGradGuard no_grad;
  torch::Tensor added = empty ? places_->make() : change();
  if (exact_) {
    tree_.add(std::move(added));
  } else if (sum_.defined()) {
    sum_.add_(added);
  } else {
    sum_ = std::move(added);
  }
}

void RunningStatistics::send() {
  if (!places_ || exact_ || !group_) return;
  std::vector<torch::Tensor> sums{sum_};
  sending_ = group_->allreduce(sums);
}

void RunningStatistics::end_step() {
  if (!places_) return;
  torch::NoGradGuard no_grad;
  if (exact_) {
    sum_ = tree_.take();
    if (group_) tree_sum_over_shards(*group_, sum_);
  } else if (sending_) {
    sending_->wait();
    sending_.reset();
  }
  const torch::Tensor parts = places_->views(sum_).back().clamp_min(1);
  const torch::Tensor mean = sum_ / parts;
  if (!floats_.empty()) {
    const torch::Tensor now = first_ + mean;
    at::_foreach_copy_(floats_, part_of(places_->views(now), 0, floats_.size()));
  }
  const std::vector<torch::Tensor> advance = part_of(places_->views(mean), floats_.size(), integers_.size());
  for (std::size_t i = 0; i < integers_.size(); ++i) {
    integers_[i].copy_(first_integers_[i] + advance[i].round().to(integers_[i].scalar_type()));
  }
}

}  // namespace pleat
