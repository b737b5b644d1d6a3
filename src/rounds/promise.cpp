#include "rounds/promise.h"

namespace pleat {
namespace {

constexpr const char* kNone = "none: ";

// Of one start alone.
std::string own_promise(const RunConfig& config, const ComputedBy& now) {
  if (now.device == "cuda") return std::string(kNone) + "on CUDA some kernels add in an order of their own";
  if (now.cpu.find(" and ") != std::string::npos)
    return kNone + fmt::format("the ranks have CPUs of different kinds ({})", now.cpu);
  if (!config.cluster.threads.value) {
    return std::string(kNone) +
           "cluster.threads is auto, so sums may be taken in another order on another number of ranks";
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

std::string promise(const RunConfig& config, const ComputedBy& now, const Json& before) {
  const std::string own = own_promise(config, now);
  if (!before.is_object() || !before.contains("computed_by")) return own;
  const std::string earlier = before.value("promise", own);
  if (earlier.starts_with(kNone)) return earlier;
  const Json here = to_json(now);
  for (const auto& [what, value] : before["computed_by"].items()) {
    if (here.value(what, Json()) == value || (what == "shards" && config.cluster.exact)) continue;
    return kNone +
           fmt::format("begun with {} {} and continued with {}", what, value.dump(), here.value(what, Json()).dump());
  }
  return own;
}

}  // namespace pleat
