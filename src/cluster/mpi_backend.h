// c10d's collectives over MPI for tensors in CPU memory. c10d::Reducer and GradientSync use them on CPU. One thread
// works through a queue, so communication overlaps with backward.
#pragma once

#include <mpi.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <vector>

namespace pleat {

class MpiWork;

/// Reduces CPU tensors of float32, float64, bfloat16, float16 (both summed in float32), int64, int32, uint8. Broadcast
/// and gather take any type. Element counts may exceed int.
/// Dense tensors are processed in memory order, strided views through a copy.
/// Requires: all ranks hold a tensor in the same memory order, and start collectives in the same order.
/// Throws: wait() of a failed collective, and of all later ones, throws ClusterError.
/// A collective that a peer never joins cannot be cancelled. The destructor waits kGrace for it and then leaks it with
/// its memory, so that a failing process can end.
class MpiBackend : public c10d::Backend {
 public:
  /// Collective over `comm`, which is duplicated. `largest_message`: elements per MPI call; small in tests.
  explicit MpiBackend(MPI_Comm comm, std::int64_t largest_message = std::int64_t{1} << 28);
  ~MpiBackend() override;

  const std::string getBackendName() const override { return "mpi"; }

  /// In place: sum, average (not of integers), maximum, minimum.
  c10::intrusive_ptr<c10d::Work> allreduce(std::vector<at::Tensor>& tensors,
                                           const c10d::AllreduceOptions& options = {}) override;
  c10::intrusive_ptr<c10d::Work> broadcast(std::vector<at::Tensor>& tensors,
                                           const c10d::BroadcastOptions& options = {}) override;
  /// Sets outputs[i][rank] to that rank's inputs[i]; all of one size and type.
  c10::intrusive_ptr<c10d::Work> allgather(std::vector<std::vector<at::Tensor>>& outputs,
                                           std::vector<at::Tensor>& inputs,
                                           const c10d::AllgatherOptions& options = {}) override;
  /// output: [ranks * n], input: [n], both contiguous.
  c10::intrusive_ptr<c10d::Work> _allgather_base(at::Tensor& output, at::Tensor& input,
                                                 const c10d::AllgatherOptions& options = {}) override;
  c10::intrusive_ptr<c10d::Work> barrier(const c10d::BarrierOptions& options = {}) override;

 private:
  static constexpr std::chrono::seconds kGrace{2};

  c10::intrusive_ptr<c10d::Work> enqueue(c10::intrusive_ptr<MpiWork> work);
  void work_off();
  void finish(const char* what, int code, MPI_Request* request);
  at::Tensor held(at::Tensor scratch);
  void with_flat(at::Tensor& tensor, const std::function<void(at::Tensor&)>& use);
  void all_reduce_flat(at::Tensor& flat, MPI_Op op);
  void all_reduce_one(at::Tensor& tensor, c10d::ReduceOp::RedOpType op);
  template <class Half>
  void all_reduce_half(at::Tensor& flat, c10d::ReduceOp::RedOpType op);
  void broadcast_one(at::Tensor& tensor, int root);
  void all_gather_flat(const at::Tensor& input, at::Tensor& output);
  void all_gather_list(std::vector<at::Tensor>& outputs, const at::Tensor& input);

  MPI_Comm comm_ = MPI_COMM_NULL;
  std::int64_t largest_message_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<c10::intrusive_ptr<MpiWork>> queue_;  // the front one is in progress
  bool stop_ = false;
  std::atomic<bool> give_up_ = false;
  // Used by the thread alone:
  std::exception_ptr broken_;        // the first failure; all later collectives fail with it
  std::vector<at::Tensor> scratch_;  // buffers of the collective in progress
  std::thread thread_;
};

}  // namespace pleat
