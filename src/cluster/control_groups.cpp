#include "cluster/control_groups.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace pleat {
namespace fs = std::filesystem;
namespace {

// `folder` is a path like "/a/b" below `root`.
double smallest_below(const fs::path& root, const fs::path& folder, double (*read)(const fs::path&)) {
  double least = read(root);
  fs::path here = root;
  for (const fs::path& name : folder.relative_path()) least = std::min(least, read(here /= name));
  return least;
}

bool lists(const std::string& controllers, const std::string& wanted) {
  std::istringstream list(controllers);
  for (std::string name; std::getline(list, name, ',');) {
    if (name == wanted) return true;
  }
  return false;
}

}  // namespace

std::string own_membership() {
  std::ifstream file("/proc/self/cgroup");
  return {std::istreambuf_iterator<char>(file), {}};
}

double smallest_limit(const fs::path& root, const std::string& membership, const LimitReader& reader) {
  double least = kNoLimit;
  std::istringstream lines(membership);
  for (std::string line; std::getline(lines, line);) {  // hierarchy:controllers:/path
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min(least, smallest_below(root, path, reader.v2));
    } else if (lists(controllers, reader.controller)) {
      // In a container the path is often the host's. The container's limit is then at the root of the mount.
      least = std::min(least, smallest_below(root / reader.controller, path, reader.v1));
    }
  }
  return least;
}

double read_limit(const fs::path& file) {
  double value = -1;
  return std::ifstream(file) >> value ? value : -1;  // a failed read sets the value to 0
}

}  // namespace pleat
