#include "cluster/failure.h"

#include <c10/util/Exception.h>
#include <mpi.h>

#include <cstdlib>

#include "base/error.h"
#include "base/log.h"
#include "base/terminal.h"

namespace pleat {
namespace {

std::string* command_to_resume = nullptr;  // never deleted at exit: threads may outlast main

[[noreturn]] void on_terminate() {
  std::string reason = "no exception";
  try {
    if (const std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::exception& error) {
    reason = message_of(error);
  } catch (...) {
    reason = "unknown exception";
  }
  end_block();
  spdlog::critical("this rank failed and ends all ranks: {}; resume with: {}", reason, *command_to_resume);
  abort_all_ranks(static_cast<int>(ExitCode::kCluster));
}

}  // namespace

std::string message_of(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  return torch_error ? torch_error->what_without_backtrace() : error.what();
}

void abort_all_ranks(int exit_code) {
  end_block();
  spdlog::default_logger()->flush();
  int initialized = 0, finalized = 0;
  MPI_Initialized(&initialized);
  MPI_Finalized(&finalized);
  if (initialized && !finalized) MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

void end_all_ranks(const std::exception& error) {
  const auto* known = dynamic_cast<const Error*>(&error);
  end_block();
  if (known) {
    spdlog::log(known->code() == ExitCode::kStopped ? spdlog::level::warn : spdlog::level::err, "{}", known->what());
  } else {
    spdlog::critical("internal error, please report it: {}", message_of(error));
  }
  abort_all_ranks(static_cast<int>(known ? known->code() : ExitCode::kCluster));
}

void end_all_ranks_on_terminate(const std::string& command) {
  delete command_to_resume;
  command_to_resume = new std::string(command);
  std::set_terminate(on_terminate);
}

}  // namespace pleat
