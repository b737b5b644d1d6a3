#include "cluster/gradient_sum.h"

#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/zeros_like.h>

#include <utility>

#include "base/error.h"
#include "cluster/flat_tensors.h"
#include "cluster/tree_sum.h"

namespace pleat {
namespace {

/// Makes gradients undefined, not zero: autograd then stores the first gradient instead of adding it to zeros.
void clear_gradients(std::vector<torch::Tensor>& parameters) {
  for (torch::Tensor& parameter : parameters) parameter.mutable_grad().reset();
}

class PlainSum : public GradientSum {
 public:
  explicit PlainSum(std::vector<torch::Tensor> parameters) : parameters_(std::move(parameters)) {}

  void begin_step() override { clear_gradients(parameters_); }

  void backward(const torch::Tensor& loss, bool) override {
    if (loss.defined()) loss.backward();
  }

  void end_step() override {
    for (torch::Tensor& parameter : parameters_) {
      if (!parameter.grad().defined()) parameter.mutable_grad() = at::zeros_like(parameter);
    }
  }

 private:
  std::vector<torch::Tensor> parameters_;
};

class ExactSum : public GradientSum {
 public:
  ExactSum(std::vector<torch::Tensor> parameters, c10::intrusive_ptr<c10d::ProcessGroup> group)
      : parameters_(std::move(parameters)),
        group_(std::move(group)),
        places_(parameters_, parameters_.front().scalar_type()) {
    for (const torch::Tensor& parameter : parameters_) {
      if (parameter.scalar_type() == parameters_.front().scalar_type()) continue;
      throw UsageError("cluster.exact needs parameters of one type, but this model has {} and {}",
                       torch::toString(parameters_.front().scalar_type()), torch::toString(parameter.scalar_type()));
    }
  }

  void begin_step() override { clear_gradients(parameters_); }

  void backward(const torch::Tensor& loss, bool) override {
    if (loss.defined()) loss.backward();
    torch::NoGradGuard no_grad;
    torch::Tensor leaf = places_.make();
    std::vector<torch::Tensor> places, gradients;
    const std::vector<torch::Tensor> views = places_.views(leaf);
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      torch::Tensor& gradient = parameters_[i].mutable_grad();
      if (!gradient.defined()) continue;
      places.push_back(views[i]);
      gradients.push_back(std::move(gradient));
      gradient.reset();
    }
    if (!places.empty()) at::_foreach_copy_(places, gradients);
    tree_.add(std::move(leaf));
  }

  void end_step() override {
    torch::NoGradGuard no_grad;
    torch::Tensor sum = tree_.take();
    if (group_) tree_sum_over_shards(*group_, sum);
    const std::vector<torch::Tensor> views = places_.views(sum);
    for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].mutable_grad() = views[i];
  }

 private:
  std::vector<torch::Tensor> parameters_;
  c10::intrusive_ptr<c10d::ProcessGroup> group_;
  FlatTensors places_;
  TreeSum tree_;
};

}  // namespace

std::unique_ptr<GradientSum> make_plain_sum(std::vector<torch::Tensor> parameters) {
  return std::make_unique<PlainSum>(std::move(parameters));
}

std::unique_ptr<GradientSum> make_exact_sum(std::vector<torch::Tensor> parameters,
                                            c10::intrusive_ptr<c10d::ProcessGroup> group) {
  return std::make_unique<ExactSum>(std::move(parameters), std::move(group));
}

}  // namespace pleat
