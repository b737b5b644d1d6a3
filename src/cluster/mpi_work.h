// One collective of MpiBackend's queue.
#pragma once

#include <ATen/core/ivalue.h>

#include <exception>
#include <functional>
#include <torch/csrc/distributed/c10d/Work.hpp>
#include <utility>
#include <vector>

namespace pleat {

/// A queued collective and its future. `run` performs it and owns the tensors.
class MpiWork : public c10d::Work {
 public:
  MpiWork(int rank, c10d::OpType type, std::vector<at::Tensor> results, std::function<void()> run)
      : Work(rank, type), run(std::move(run)), results_(std::move(results)) {}

  bool isCompleted() override { return future_->completed(); }
  bool isSuccess() const override { return future_->completed() && !future_->hasError(); }
  std::exception_ptr exception() const override { return future_->hasError() ? future_->exception_ptr() : nullptr; }
  std::vector<at::Tensor> result() override { return results_; }
  void synchronize() override { future_->waitAndThrow(); }
  /// Ignores the timeout: a collective cannot be cancelled.
  bool wait(std::chrono::milliseconds) override {
    future_->waitAndThrow();
    return true;
  }
  c10::intrusive_ptr<c10::ivalue::Future> getFuture() override { return future_; }

  void succeed() { future_->markCompleted(c10::IValue(results_)); }
  void fail(std::exception_ptr error) { future_->setError(std::move(error)); }

  std::function<void()> run;

 private:
  std::vector<at::Tensor> results_;
  c10::intrusive_ptr<c10::ivalue::Future> future_ =
      c10::make_intrusive<c10::ivalue::Future>(c10::ListType::create(c10::TensorType::get()));
};

}  // namespace pleat
