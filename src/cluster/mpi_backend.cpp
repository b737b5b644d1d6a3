#include "cluster/mpi_backend.h"

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "cluster/mpi_types.h"
#include "cluster/mpi_wait.h"
#include "cluster/mpi_work.h"

namespace pleat {

using c10d::OpType;
using c10d::ReduceOp;
using std::chrono::microseconds;

namespace {

constexpr microseconds kLongestPause{100};

// Plain loops: tensor operations on this thread would start a second team of OpenMP threads, which competes with the
// computing one.
template <class From, class To>
void copy_values(const at::Tensor& from, at::Tensor& to) {
  std::copy_n(from.const_data_ptr<From>(), from.numel(), to.data_ptr<To>());
}

template <class T>
void divide(at::Tensor& flat, int by) {
  std::for_each_n(flat.data_ptr<T>(), flat.numel(), [by](T& value) { value /= static_cast<T>(by); });
}

void require_cpu(const std::vector<at::Tensor>& tensors) {
  for (const at::Tensor& tensor : tensors) {
    if (!tensor.device().is_cpu() || tensor.layout() != at::kStrided) {
      throw ClusterError("MPI collectives take dense tensors on CPU, not one on {}", tensor.device().str());
    }
  }
}

/// Returns a one-dimensional view of a dense tensor in memory order (channels_last or any other).
at::Tensor flat_view(const at::Tensor& dense) { return dense.as_strided({dense.numel()}, {1}); }

MPI_Comm duplicate(MPI_Comm comm) {
  MPI_Comm copy = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(comm, &copy), "MPI_Comm_dup");
  MPI_Comm_set_errhandler(copy, MPI_ERRORS_RETURN);  // wait() throws the error; MPI must not abort
  return copy;
}

int rank_in(MPI_Comm comm) {
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  return rank;
}

int size_of(MPI_Comm comm) {
  int size = 1;
  MPI_Comm_size(comm, &size);
  return size;
}

/// Leaks memory on purpose: MPI may still write to it after an abandoned collective.
template <class Container>
void leave_behind(Container&& memory) {
  new std::decay_t<Container>(std::forward<Container>(memory));
}

}  // namespace

MpiBackend::MpiBackend(MPI_Comm comm, std::int64_t largest_message)
    : Backend(rank_in(comm), size_of(comm)), comm_(duplicate(comm)), largest_message_(largest_message) {
  // Blocks all signals in the new thread: the main thread handles stop requests.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work_off(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), "pleat-mpi");
}

MpiBackend::~MpiBackend() {
  std::unique_lock lock(mutex_);
  stop_ = true;
  changed_.notify_all();
  if (!changed_.wait_for(lock, kGrace, [&] { return queue_.empty(); })) {
    spdlog::warn("abandoned {} collectives that a peer did not join within {} s", queue_.size(), kGrace.count());
    give_up_ = true;
  }
  lock.unlock();
  thread_.join();
  if (give_up_) {
    leave_behind(std::move(queue_));
    leave_behind(std::move(scratch_));
    return;
  }
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (!finalized) MPI_Comm_free(&comm_);
}

c10::intrusive_ptr<c10d::Work> MpiBackend::enqueue(c10::intrusive_ptr<MpiWork> work) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(work);
  }
  changed_.notify_all();
  return work;
}

void MpiBackend::work_off() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stop_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const auto work = queue_.front();
    lock.unlock();
    try {
      if (broken_) std::rethrow_exception(broken_);
      work->run();
      work->run = nullptr;  // releases the tensors before the caller is notified
      work->succeed();
    } catch (...) {
      // After a failed call, ranks may disagree about the next collective.
      broken_ = std::current_exception();
      work->fail(broken_);
    }
    lock.lock();
    if (give_up_) return;
    scratch_.clear();
    queue_.pop_front();
    changed_.notify_all();
  }
}

void MpiBackend::finish(const char* what, int code, MPI_Request* request) {
  check_mpi(code, what);
  const int end = wait_sleeping(request, kLongestPause, &give_up_, "the other shards of this slot");
  if (end == MPI_ERR_PENDING) throw ClusterError("{} was abandoned: a peer did not join it", what);
  check_mpi(end, what);
}

at::Tensor MpiBackend::held(at::Tensor scratch) { return scratch_.emplace_back(std::move(scratch)); }

/// Calls `use` with the tensor's memory as one flat tensor. Strided views are copied before and back after.
void MpiBackend::with_flat(at::Tensor& tensor, const std::function<void(at::Tensor&)>& use) {
  const bool dense = tensor.is_non_overlapping_and_dense();
  at::Tensor memory = dense ? tensor : held(tensor.contiguous());
  at::Tensor flat = flat_view(memory);
  use(flat);
  if (!dense) tensor.copy_(memory);
}

void MpiBackend::all_reduce_flat(at::Tensor& flat, MPI_Op op) {
  const MPI_Datatype type = type_of(flat);
  auto* bytes = static_cast<char*>(flat.data_ptr());
  for (std::int64_t from = 0; from < flat.numel(); from += largest_message_) {
    const int count = static_cast<int>(std::min(largest_message_, flat.numel() - from));
    MPI_Request request;
    const int code = MPI_Iallreduce(MPI_IN_PLACE, bytes + from * flat.element_size(), count, type, op, comm_, &request);
    finish("MPI all-reduce", code, &request);
  }
}

void MpiBackend::all_reduce_one(at::Tensor& tensor, ReduceOp::RedOpType op) {
  const MPI_Op mpi_op = op_of(op);
  if (op == ReduceOp::AVG && !tensor.is_floating_point()) {
    throw ClusterError("MPI all-reduce cannot average tensors of type {}", c10::toString(tensor.scalar_type()));
  }
  with_flat(tensor, [&](at::Tensor& flat) {
    if (flat.scalar_type() == at::kBFloat16) return all_reduce_half<c10::BFloat16>(flat, op);
    if (flat.scalar_type() == at::kHalf) return all_reduce_half<c10::Half>(flat, op);
    all_reduce_flat(flat, mpi_op);
    if (op != ReduceOp::AVG) return;
    flat.scalar_type() == at::kDouble ? divide<double>(flat, getSize()) : divide<float>(flat, getSize());
  });
}

/// Sums in float32: MPI has no 16-bit floats, and rounding every partial sum would lose precision.
template <class Half>
void MpiBackend::all_reduce_half(at::Tensor& flat, ReduceOp::RedOpType op) {
  at::Tensor sum = held(at::empty({flat.numel()}, at::kFloat));
  copy_values<Half, float>(flat, sum);
  all_reduce_flat(sum, op_of(op));
  if (op == ReduceOp::AVG) divide<float>(sum, getSize());
  copy_values<float, Half>(sum, flat);
}

void MpiBackend::broadcast_one(at::Tensor& tensor, int root) {
  with_flat(tensor, [&](at::Tensor& flat) {
    auto* bytes = static_cast<char*>(flat.data_ptr());
    const std::int64_t total = flat.numel() * flat.element_size();
    for (std::int64_t from = 0; from < total; from += largest_message_) {
      const int count = static_cast<int>(std::min(largest_message_, total - from));
      MPI_Request request;
      finish("MPI broadcast", MPI_Ibcast(bytes + from, count, MPI_BYTE, root, comm_, &request), &request);
    }
  });
}

void MpiBackend::all_gather_flat(const at::Tensor& input, at::Tensor& output) {
  const std::int64_t each = input.numel() * input.element_size();
  const auto* from = static_cast<const char*>(input.const_data_ptr());
  auto* to = static_cast<char*>(output.data_ptr());
  if (each <= largest_message_) {
    MPI_Request request;
    const int count = static_cast<int>(each);
    const int code = MPI_Iallgather(from, count, MPI_BYTE, to, count, MPI_BYTE, comm_, &request);
    return finish("MPI all-gather", code, &request);
  }
  // One call stores the ranks' chunks one after another, so chunks go through a scratch buffer.
  const at::Tensor scratch = held(at::empty({largest_message_ * getSize()}, at::kByte));
  auto* pieces = static_cast<char*>(scratch.data_ptr());
  for (std::int64_t done = 0; done < each; done += largest_message_) {
    const std::int64_t length = std::min(largest_message_, each - done);
    const int count = static_cast<int>(length);
    MPI_Request request;
    const int code = MPI_Iallgather(from + done, count, MPI_BYTE, pieces, count, MPI_BYTE, comm_, &request);
    finish("MPI all-gather", code, &request);
    for (int rank = 0; rank < getSize(); ++rank) {
      std::copy_n(pieces + rank * length, length, to + rank * each + done);
    }
  }
}

void MpiBackend::all_gather_list(std::vector<at::Tensor>& outputs, const at::Tensor& input) {
  const at::Tensor mine = held(input.contiguous());
  at::Tensor all = held(at::empty({getSize(), mine.numel()}, mine.options()));
  all_gather_flat(mine, all);
  for (int rank = 0; rank < getSize(); ++rank) {
    at::Tensor& output = outputs[static_cast<std::size_t>(rank)];
    output.copy_(all[rank].view(output.sizes()));
  }
}

c10::intrusive_ptr<c10d::Work> MpiBackend::allreduce(std::vector<at::Tensor>& tensors,
                                                     const c10d::AllreduceOptions& options) {
  require_cpu(tensors);
  return enqueue(c10::make_intrusive<MpiWork>(getRank(), OpType::ALLREDUCE, tensors,
                                              [this, tensors, op = options.reduceOp.op_]() mutable {
                                                for (at::Tensor& tensor : tensors) all_reduce_one(tensor, op);
                                              }));
}

c10::intrusive_ptr<c10d::Work> MpiBackend::broadcast(std::vector<at::Tensor>& tensors,
                                                     const c10d::BroadcastOptions& options) {
  require_cpu(tensors);
  return enqueue(c10::make_intrusive<MpiWork>(getRank(), OpType::BROADCAST, tensors,
                                              [this, tensors, root = static_cast<int>(options.rootRank)]() mutable {
                                                for (at::Tensor& tensor : tensors) broadcast_one(tensor, root);
                                              }));
}

c10::intrusive_ptr<c10d::Work> MpiBackend::allgather(std::vector<std::vector<at::Tensor>>& outputs,
                                                     std::vector<at::Tensor>& inputs, const c10d::AllgatherOptions&) {
  require_cpu(inputs);
  if (outputs.size() != inputs.size()) throw ClusterError("MPI all-gather needs a list of outputs for each input");
  std::vector<at::Tensor> results;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    require_cpu(outputs[i]);
    if (outputs[i].size() != static_cast<std::size_t>(getSize())) {
      throw ClusterError("MPI all-gather over {} ranks needs as many outputs; it has {}", getSize(), outputs[i].size());
    }
    for (const at::Tensor& output : outputs[i]) {
      if (output.numel() != inputs[i].numel() || output.scalar_type() != inputs[i].scalar_type()) {
        throw ClusterError("MPI all-gather needs outputs of the input's size and type");
      }
      results.push_back(output);
    }
  }
  return enqueue(c10::make_intrusive<MpiWork>(getRank(), OpType::ALLGATHER, results, [this, outputs, inputs]() mutable {
    for (std::size_t i = 0; i < inputs.size(); ++i) all_gather_list(outputs[i], inputs[i]);
  }));
}

c10::intrusive_ptr<c10d::Work> MpiBackend::_allgather_base(at::Tensor& output, at::Tensor& input,
                                                           const c10d::AllgatherOptions&) {
  require_cpu({output, input});
  if (!output.is_contiguous() || !input.is_contiguous() || output.numel() != input.numel() * getSize() ||
      output.scalar_type() != input.scalar_type()) {
    throw ClusterError("MPI all-gather needs a contiguous output of {} times the input's elements", getSize());
  }
  return enqueue(c10::make_intrusive<MpiWork>(getRank(), OpType::_ALLGATHER_BASE, std::vector<at::Tensor>{output},
                                              [this, output, input]() mutable { all_gather_flat(input, output); }));
}

c10::intrusive_ptr<c10d::Work> MpiBackend::barrier(const c10d::BarrierOptions&) {
  return enqueue(c10::make_intrusive<MpiWork>(getRank(), OpType::BARRIER, std::vector<at::Tensor>{}, [this] {
    MPI_Request request;
    finish("MPI barrier", MPI_Ibarrier(comm_, &request), &request);
  }));
}

}  // namespace pleat
