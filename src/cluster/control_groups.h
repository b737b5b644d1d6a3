// Limits of this process's Linux control groups (containers, Slurm, systemd), versions 1 and 2.
#pragma once

#include <filesystem>
#include <limits>
#include <string>

namespace pleat {

inline constexpr double kNoLimit = std::numeric_limits<double>::infinity();
inline constexpr const char* kControlGroups = "/sys/fs/cgroup";  // where Linux mounts the hierarchy

/// The text of /proc/self/cgroup: the groups that this process is in.
std::string own_membership();

/// How one limit is read from a group's folder, in each version. Return kNoLimit if the folder sets none.
struct LimitReader {
  const char* controller;  // version 1 mounts each controller in a folder of its own: "cpu", "memory"
  double (*v2)(const std::filesystem::path& folder);
  double (*v1)(const std::filesystem::path& folder);
};

/// Returns the smallest limit of all groups that `membership` names and of the groups above them.
///   root: the mount point of the hierarchy; membership: as own_membership
double smallest_limit(const std::filesystem::path& root, const std::string& membership, const LimitReader& reader);

/// Returns the number at the start of a file; -1 if there is none.
double read_limit(const std::filesystem::path& file);

}  // namespace pleat
