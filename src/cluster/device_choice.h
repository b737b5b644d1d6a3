// Chooses each rank's CUDA device from the devices that all ranks see. Used by runs and by `pleat doctor`. Pure.
#pragma once

#include <string>
#include <vector>

namespace pleat {

struct DeviceChoice {
  std::vector<int> devices;  // by rank: index among the devices it sees; empty: all ranks compute on CPU
  std::string why_cpu;       // set if `auto` leaves existing devices unused: how many, why, and the remedy
};

///   configured: auto (CUDA only if every rank gets its own device), cuda (ranks share devices if necessary) or cpu
///   hosts: host names by rank
///   seen: identities (UUIDs) of the devices that each rank sees, by rank
/// Ranks of a host that see the same devices take them in order. A rank that sees one device of its own
/// (srun --gpus-per-task=1) takes that device.
/// Requires: with `cuda`, every rank sees a device.
DeviceChoice choose_devices(const std::string& configured, const std::vector<std::string>& hosts,
                            const std::vector<std::vector<std::string>>& seen);

}  // namespace pleat
