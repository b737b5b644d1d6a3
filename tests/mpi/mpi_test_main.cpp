// GoogleTest under mpirun: every rank runs every test. Rank 0 reports all of them, the others only failures.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstdio>

#include "base/log.h"
#include "mpi/mpi_test.h"

namespace pleat {
namespace {

MpiSession* the_session = nullptr;

/// Prints a failure with its rank, and ends all ranks: the others may wait in a collective that this rank left.
class FailFast : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "[rank %d of %d] %s:%d: %s\n", the_session->rank(), the_session->size(),
                 result.file_name() ? result.file_name() : "?", result.line_number(), result.summary());
  }
  void OnTestEnd(const testing::TestInfo& test) override {
    if (!test.result()->Failed()) return;
    std::fprintf(stderr, "[rank %d of %d] FAILED: %s.%s\n", the_session->rank(), the_session->size(),
                 test.test_suite_name(), test.name());
    the_session->abort(1);
  }
};

}  // namespace

MpiSession& session() { return *the_session; }

MPI_Comm split(int colour) {
  MPI_Comm part = MPI_COMM_NULL;
  MPI_Comm_split(session().world(), colour, session().rank(), &part);
  return part;
}

}  // namespace pleat

int main(int argc, char** argv) {
  pleat::MpiSession session;
  pleat::the_session = &session;
  pleat::start_log(session.rank());
  testing::InitGoogleTest(&argc, argv);
  if (!session.launched()) {
    std::fprintf(stderr, "these tests need mpirun\n");
    return 1;
  }
  at::set_num_threads(1);
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (session.rank() != 0) delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new pleat::FailFast);
  const int result = RUN_ALL_TESTS();
  if (result != 0) session.abort(result);
  session.ranks().barrier();
  return 0;
}
