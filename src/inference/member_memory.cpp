#include "inference/member_memory.h"

#include <fmt/format.h>

#include <set>
#include <tuple>

namespace pleat {

std::optional<MemoryNeed> need_of_members(const TrainedEnsemble& ensemble, const ImageShape& crops,
                                          const torch::Device& device, const Ranks& ranks) {
  std::optional<MemoryNeed> most;
  if (device.is_cuda()) return most;
  on_rank_0(ranks, [&] {
    std::set<std::tuple<int, int, int>> seen;  // members of one network differ only in their weights
    for (const Member& member : ensemble.members) {
      if (!seen.emplace(member.run, member.unit, member.candidate).second) continue;
      const TrainedRun& run = ensemble.run_of(member);
      const int outputs = run.targets.outputs(ensemble.unit_of(member));
      const double bytes =
          static_cast<double>(predicting_memory(member.model, crops, outputs, run.config.train.precision == "bf16"));
      if (!most || bytes > most->tensors)
        most = {.what = fmt::format("predicting with {}", member.model.id), .tensors = bytes, .least = bytes};
    }
  });
  return most;
}

}  // namespace pleat
