// What a failing rank does to the others; expect_exit.sh looks at mpirun's exit code.
//   abort CODE: rank 1 aborts while the others wait in a collective.
//   throw CODE: rank 1 throws while a collective of its own is under way; like main, it prints and aborts.
//   backward CODE: backward fails on rank 1 while its peers sum gradients.
//   leave CODE: rank 1 leaves main by an exception that is caught outside of the session.
//   kill: rank 1 is killed.
//   done: all finish.
#include <signal.h>
#include <torch/torch.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "base/error.h"
#include "base/log.h"
#include "cluster/mpi_backend.h"
#include "cluster/mpi_session.h"
#include "cluster/process_group.h"
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

void work(MpiSession& session, const std::string& mode, int code) {
  if (mode == "backward") return train_with_one_failing(session);
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
