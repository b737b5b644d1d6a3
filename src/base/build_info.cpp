#include "base/build_info.h"

#include <fmt/format.h>

#include "git_commit.h"  // made at build time by cmake/git_commit.cmake

namespace pleat {

std::string version() { return PLEAT_VERSION; }
std::string git_commit() { return PLEAT_GIT_COMMIT; }
std::string build_id() {
  return fmt::format("pleat {} ({}), {}, LibTorch {}", version(), git_commit(), PLEAT_COMPILER, PLEAT_TORCH_VERSION);
}

}  // namespace pleat
