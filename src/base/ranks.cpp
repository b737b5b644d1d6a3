#include "base/ranks.h"

#include "base/error.h"

namespace pleat {

void together(const Ranks& ranks, const std::function<void()>& local) {
  if (ranks.size == 1) return local();
  std::string failure;
  try {
    local();
  } catch (const Error& error) {
    failure = fmt::format("{} {}", static_cast<int>(error.code()), error.what());
  } catch (const std::exception& error) {
    failure =
        fmt::format("{} internal error, please report it: {}", static_cast<int>(ExitCode::kCluster), error.what());
  }
  throw_first(ranks.all_gather(failure));
}

void throw_first(const std::vector<std::string>& failures) {
  for (const std::string& failure : failures) {
    if (failure.empty()) continue;
    const std::size_t space = failure.find(' ');
    throw Error(static_cast<ExitCode>(std::stoi(failure.substr(0, space))), failure.substr(space + 1)).for_all_ranks();
  }
}

}  // namespace pleat
