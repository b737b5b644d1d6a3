// Lets one rank fail, to test that all ranks end. expect_exit.sh checks mpirun's exit code.
//   abort CODE: rank 1 aborts while the others wait in a collective.
//   throw CODE: rank 1 throws during its own collective, and like main prints and aborts.
//   backward CODE: backward fails on rank 1 while its peers sum gradients.
//   job_of_0 CODE, job_of_1 CODE: that rank alone throws in a job shared with a peer; a second slot continues.
//   terminate CODE: a thread of rank 1 throws an exception that nothing catches.
//   leave CODE: rank 1 leaves main by an exception that is caught outside the session.
//   kill: rank 1 is killed.
//   done: all finish.
#include <signal.h>
#include <torch/torch.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "cluster/failure.h"
#include "cluster/mpi_backend.h"
#include "cluster/mpi_session.h"
#include "cluster/process_group.h"
#include "cluster/slot.h"
#include "mpi/small_net.h"

namespace pleat {
namespace {

void wait_for_all(MpiBackend& backend) {
  std::vector<torch::Tensor> one{torch::ones({1000})};
  backend.allreduce(one)->wait();
}

void fail(MpiSession& session, const std::string& mode, int code) {
  if (mode == "abort") session.abort(code);
  if (mode == "kill") raise(SIGKILL);
  if (mode == "throw" || mode == "leave") throw ClusterError("rank 1 fails");
}

void train_with_one_failing(MpiSession& session) {
  SmallNet net;
  GradientSync sync(net.parameters(), net.buffers(),
                    {.group = make_process_group(session.world(), torch::kCPU), .micro_batches = session.size()});
  train(net, sync, session.size(), 2);
  if (session.rank() == 1) {
    net.first->weight.register_hook([](torch::Tensor) { throw std::runtime_error("out of memory"); });
  }
  train(net, sync, session.size(), 1);
}

/// Runs jobs on slots of two ranks. Each job ends in a barrier that the failing rank does not join.
void share_jobs(MpiSession& session, int failing) {
  const RankLayout layout = make_layout({.world_size = session.size(), .shards = 2});
  const Slot slot(session, layout, torch::kCPU);
  JobQueue queue(1000);
  const JobEvents events{.finished = [](int, const std::string&) {},
                         .failed = [](int, const std::string&) {},
                         .progressed = [](int, const std::string&) {}};
  const auto verdict = run_jobs(session, layout, slot, queue, events, [&](JobSource*) -> JobWork {
    return [&](int job, const std::string&) {
      if (job >= 4 && session.rank() == failing) throw DataError("rank {} fails alone", failing);
      slot.ranks().barrier();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      return std::string();
    };
  });
  if (verdict) throw *verdict;
}

void throw_in_a_thread(MpiSession& session) {
  end_all_ranks_on_terminate("exit_probe");
  if (session.rank() == 1) std::thread([] { throw std::runtime_error("a watchdog barks"); }).join();
  session.ranks().barrier();
}

void work(MpiSession& session, const std::string& mode, int code) {
  if (mode == "backward") return train_with_one_failing(session);
  if (mode == "job_of_0" || mode == "job_of_1") return share_jobs(session, mode == "job_of_0" ? 0 : 1);
  if (mode == "terminate") return throw_in_a_thread(session);
  MpiBackend backend(session.world()), other(session.world());
  wait_for_all(backend);
  if (session.rank() == 1) {
    std::vector<torch::Tensor> never_joined{torch::ones({1000})};
    if (mode == "throw") other.allreduce(never_joined);
    fail(session, mode, code);
  }
  wait_for_all(backend);
}

int run(const std::string& mode, int code) {
  MpiSession session;
  start_log(session.rank());
  try {
    work(session, mode, code);
  } catch (const Error& error) {
    if (mode == "leave") throw;
    spdlog::error("{}", error.what());
    session.abort(code);
  }
  return 0;
}

}  // namespace
}  // namespace pleat

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "done";
  const int code = argc > 2 ? std::atoi(argv[2]) : 0;
  try {
    return pleat::run(mode, code);
  } catch (const pleat::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return code;
  }
}
