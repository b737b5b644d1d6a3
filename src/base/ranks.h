// The other ranks, for rooms that must not know MPI. A default Ranks is one rank alone, whose calls are no-ops.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace pleat {

struct Ranks {
  int rank = 0;
  int size = 1;
  /// Collective. Returns once every rank has called it.
  std::function<void()> barrier = [] {};
  /// Collective. Returns every rank's bytes, by rank.
  std::function<std::vector<std::string>(const std::string&)> all_gather = [](const std::string& mine) {
    return std::vector<std::string>{mine};
  };
};

/// Collective. Runs `local`, which must not communicate, on every rank. If it throws anywhere, the error of the lowest
/// such rank is thrown on all ranks: one that threw alone would leave its peers waiting in the next collective.
void together(const Ranks& ranks, const std::function<void()>& local);

/// Collective. Runs `work` on rank 0 alone; its error is thrown on all ranks.
void on_rank_0(const Ranks& ranks, const std::function<void()>& work);

/// Collective. Throws the first rank's error, if any rank passes one, on all ranks.
void throw_first(const Ranks& ranks, const std::optional<Error>& mine);

/// Collective. Returns every rank's value, by rank.
///   T: as to_bytes takes it.
template <class T>
std::vector<T> gather(const Ranks& ranks, const T& mine) {
  std::vector<T> all;
  for (const std::string& bytes : ranks.all_gather(to_bytes(mine))) all.push_back(from_bytes<T>(bytes));
  return all;
}

/// Collective. Runs `decide` on rank 0 and returns its value on every rank; its error is thrown on all ranks.
///   T: as to_bytes takes it.
template <class T, class Decide>
T broadcast(const Ranks& ranks, const Decide& decide) {
  std::optional<T> decided;
  on_rank_0(ranks, [&] { decided.emplace(decide()); });
  if (ranks.size == 1) return std::move(*decided);
  const std::vector<std::string> all = ranks.all_gather(decided ? to_bytes(*decided) : "");
  return decided ? std::move(*decided) : from_bytes<T>(all.front());
}

}  // namespace pleat
