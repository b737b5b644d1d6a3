#include "cluster/device_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <numeric>
#include <set>

#include "base/wording.h"

namespace pleat {
namespace {

using Seen = std::vector<std::vector<std::string>>;

/// Gives each rank the first device that no other rank of its host has; -1 if none is left.
std::vector<int> one_each(const std::vector<std::string>& hosts, const Seen& seen) {
  std::vector<std::size_t> order(seen.size());
  std::iota(order.begin(), order.end(), 0);
  // Ranks that see the fewest devices choose first; ties go by rank.
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return seen[a].size() < seen[b].size(); });
  std::vector<int> devices(seen.size(), -1);
  std::map<std::string, std::set<std::string>> taken;  // by host
  for (const std::size_t rank : order) {
    for (std::size_t i = 0; i < seen[rank].size() && devices[rank] < 0; ++i) {
      if (taken[hosts[rank]].insert(seen[rank][i]).second) devices[rank] = static_cast<int>(i);
    }
  }
  return devices;
}

std::string reason_of(const std::vector<std::string>& hosts, const Seen& seen, const std::vector<int>& devices) {
  std::map<std::string, std::set<std::string>> on_host;
  std::size_t total = 0;
  for (std::size_t rank = 0; rank < seen.size(); ++rank)
    on_host[hosts[rank]].insert(seen[rank].begin(), seen[rank].end());
  for (const auto& [host, ids] : on_host) total += ids.size();
  if (total == 0) return "";
  const auto without = static_cast<std::size_t>(std::find(devices.begin(), devices.end(), -1) - devices.begin());
  const std::string& host = hosts[without];
  const std::size_t there = on_host[host].size();
  const std::string why = there == 0 ? fmt::format("host {} (rank {}) has none that LibTorch can use", host, without)
                                     : fmt::format(
                                           "host {} has {} ranks for {}; start {} there, or set cluster.device=cuda "
                                           "to share devices",
                                           host, std::count(hosts.begin(), hosts.end(), host),
                                           counted(std::int64_t(there), "CUDA device"), there);
  return fmt::format("{} {} not used, because cluster.device: auto needs one for every rank: {}",
                     counted(std::int64_t(total), "CUDA device"), total == 1 ? "is" : "are", why);
}

}  // namespace

DeviceChoice choose_devices(const std::string& configured, const std::vector<std::string>& hosts, const Seen& seen) {
  if (configured == "cpu") return {};
  std::vector<int> devices = one_each(hosts, seen);
  if (std::find(devices.begin(), devices.end(), -1) == devices.end()) return {devices, ""};
  if (configured == "auto") return {{}, reason_of(hosts, seen, devices)};
  std::map<std::string, int> sharing;
  for (std::size_t rank = 0; rank < seen.size(); ++rank) {
    if (devices[rank] >= 0 || seen[rank].empty()) continue;
    devices[rank] = sharing[hosts[rank]]++ % static_cast<int>(seen[rank].size());
  }
  return {devices, ""};
}

}  // namespace pleat
