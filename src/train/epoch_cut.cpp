#include "train/epoch_cut.h"

#include <cmath>

namespace pleat {
namespace {

std::span<const std::int64_t> piece(std::span<const std::int64_t> whole, std::int64_t pieces, std::int64_t index) {
  const auto count = static_cast<std::size_t>(pieces), at = static_cast<std::size_t>(index);
  const std::size_t begin = part_begin(whole.size(), count, at);
  return whole.subspan(begin, part_begin(whole.size(), count, at + 1) - begin);
}

}  // namespace

std::int64_t batch_of_epoch(const TrainConfig& config, std::int64_t epoch) {
  if (config.last_batch == 0 || config.epochs < 2) return config.batch;
  const double whole = static_cast<double>(config.last_batch) / static_cast<double>(config.batch);
  const double part = static_cast<double>(epoch) / static_cast<double>(config.epochs - 1);
  return std::llround(static_cast<double>(config.batch) * std::pow(whole, part));
}

std::int64_t steps_of_epoch(std::int64_t rows, const TrainConfig& config, std::int64_t epoch) {
  const std::int64_t batch = batch_of_epoch(config, epoch);
  return (rows + batch - 1) / batch;
}

std::int64_t steps_before(std::int64_t rows, const TrainConfig& config, std::int64_t epoch) {
  std::int64_t steps = 0;
  for (std::int64_t each = 0; each < epoch; ++each) steps += steps_of_epoch(rows, config, each);
  return steps;
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
