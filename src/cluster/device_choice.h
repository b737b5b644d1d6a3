// Which CUDA device each rank uses, by what every rank sees: one function for the run and for what `pleat doctor`
// prints. Pure.
#pragma once

#include <string>
#include <vector>

namespace pleat {

struct DeviceChoice {
  std::vector<int> devices;  // by rank: index among those that the rank sees; empty: all ranks compute on CPU
  std::string why_cpu;       // if devices are there and `auto` leaves them alone: how many, why, and what to do
};

/// configured: auto (a device for every rank, or none is used), cuda (ranks share if they must) or cpu.
///   hosts: by rank; seen: identities (UUIDs) of the devices that each rank sees, by rank.
/// Ranks of a host that see the same devices take them in order; a rank that a scheduler has given a device of its own
/// (srun --gpus-per-task=1) takes that. With `cuda` every rank must see one.
DeviceChoice choose_devices(const std::string& configured, const std::vector<std::string>& hosts,
                            const std::vector<std::vector<std::string>>& seen);

}  // namespace pleat
