#include "run/promise.h"

#include "run/run_record.h"

namespace pleat {
namespace {

constexpr const char* kNone = "none: ";

// The guarantee of one start alone.
std::string own_promise(const RunConfig& config, const ComputedBy& now) {
  if (now.device == "cuda") return std::string(kNone) + "on CUDA some kernels sum in varying order";
  if (now.cpu.find(" and ") != std::string::npos)
    return kNone + fmt::format("the ranks have CPUs of different kinds ({})", now.cpu);
  if (!config.cluster.threads.value) {
    return std::string(kNone) + "cluster.threads is auto, so the order of sums may change with the number of ranks";
  }
  if (config.cluster.shards > 1 && !config.cluster.exact)
    return "byte-identical for the same cluster.shards, for any number of slots and through kills";
  return "byte-identical for any number of ranks and through kills, with this build, CPU kind and cluster.threads";
}

}  // namespace

Json to_json(const ComputedBy& by) {
  return {{"build", by.build},     {"device", by.device}, {"cpu", by.cpu},
          {"threads", by.threads}, {"shards", by.shards}, {"conv_plan", by.conv_plan}};
}

std::string promise(const RunConfig& config, const ComputedBy& now, const RunRecord* earlier) {
  const std::string own = own_promise(config, now);
  if (earlier == nullptr || earlier->promise.empty() || earlier->computed_by.build.empty()) return own;
  if (earlier->promise.starts_with(kNone)) return earlier->promise;
  const Json before = to_json(earlier->computed_by), here = to_json(now);
  for (const auto& [what, value] : before.items()) {
    if (here.at(what) == value || (what == "shards" && config.cluster.exact)) continue;
    return kNone + fmt::format("started with {} {} and resumed with {}", what, value.dump(), here.at(what).dump());
  }
  return own;
}

}  // namespace pleat
