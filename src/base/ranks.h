// What a layer that must not know MPI is told about the other ranks. One rank alone is the identity.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace pleat {

struct Ranks {
  int rank = 0;
  int size = 1;
  /// Returns when every rank has called it.
  std::function<void()> barrier = [] {};
  /// Every rank's bytes, by rank; every rank must call it.
  std::function<std::vector<std::string>(const std::string&)> all_gather = [](const std::string& mine) {
    return std::vector<std::string>{mine};
  };
};

/// Runs `local`, which must not communicate, on every rank; if it throws anywhere, the first rank's error is thrown on
/// all. A rank that threw alone would leave its peers waiting in the next collective for ever.
void together(const Ranks& ranks, const std::function<void()>& local);

/// Throws the first that is not empty of "CODE message" texts, as Error.
void throw_first(const std::vector<std::string>& failures);

}  // namespace pleat
