#include "base/ranks.h"

namespace pleat {
namespace {

struct Failure {
  ExitCode code{};
  std::string message;
  static constexpr auto members() { return std::tuple{&Failure::code, &Failure::message}; }
};

}  // namespace

void together(const Ranks& ranks, const std::function<void()>& local) {
  if (ranks.size == 1) return local();
  std::optional<Error> failure;
  try {
    local();
  } catch (const Error& error) {
    failure = error;
  } catch (const std::exception& error) {
    failure = ClusterError("internal error, please report it: {}", error.what());
  }
  throw_first(ranks, failure);
}

void on_rank_0(const Ranks& ranks, const std::function<void()>& work) {
  together(ranks, [&] {
    if (ranks.rank == 0) work();
  });
}

void throw_first(const Ranks& ranks, const std::optional<Error>& mine) {
  std::optional<Failure> failure;
  if (mine) failure = Failure{mine->code(), mine->what()};
  for (const auto& first : gather(ranks, failure)) {
    if (first) throw Error(first->code, first->message).for_all_ranks();
  }
}

}  // namespace pleat
