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

}  // namespace pleat
