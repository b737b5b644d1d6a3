#include "train/epoch_cut.h"

namespace pleat {
namespace {

std::span<const std::int64_t> piece(std::span<const std::int64_t> whole, std::int64_t pieces, std::int64_t index) {
  const auto count = static_cast<std::size_t>(pieces), at = static_cast<std::size_t>(index);
  const std::size_t begin = part_begin(whole.size(), count, at);
  return whole.subspan(begin, part_begin(whole.size(), count, at + 1) - begin);
}

}  // namespace

std::int64_t steps_per_epoch(std::int64_t rows, const TrainConfig& config) {
  return (rows + config.batch - 1) / config.batch;
}

std::span<const std::int64_t> EpochCut::batch(std::int64_t step) const { return piece(order, steps, step); }

std::span<const std::int64_t> EpochCut::part(std::int64_t step, std::int64_t part) const {
  return piece(batch(step), parts, part);
}

std::vector<BatchPlan> batch_plans(const EpochCut& cut, std::int64_t step, std::int64_t first, std::int64_t count,
                                   const std::vector<std::int64_t>& rows, std::size_t pseudo_rows, std::int64_t epoch) {
  const auto labelled = static_cast<std::int64_t>(rows.size() - pseudo_rows);
  std::vector<BatchPlan> plans;
  for (; step < cut.steps; ++step) {
    for (std::int64_t part = first; part < first + count; ++part) {
      BatchPlan& plan = plans.emplace_back(BatchPlan{.epoch = static_cast<std::uint32_t>(epoch)});
      const std::span<const std::int64_t> positions = cut.part(step, part);
      if (!cut.passes.empty()) {
        const auto from = cut.passes.begin() + (positions.data() - cut.order.data());
        plan.passes.assign(from, from + static_cast<std::ptrdiff_t>(positions.size()));
      }
      for (const std::int64_t position : positions) {
        plan.rows.push_back(rows[static_cast<std::size_t>(position)]);
        if (pseudo_rows > 0) plan.pseudo.push_back(position >= labelled);
      }
    }
  }
  return plans;
}

}  // namespace pleat
