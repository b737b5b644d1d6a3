#include "train/sampling.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "batches/batch_loader.h"

namespace pleat {
namespace {

// Training rows grouped by class. With several heads, a class is a combination of all heads' labels.
std::vector<std::vector<std::int64_t>> rows_by_class(const FoldJob& job) {
  std::map<std::vector<std::int64_t>, std::vector<std::int64_t>> rows;
  for (std::size_t row = 0; row < job.train_rows.size(); ++row) {
    std::vector<std::int64_t> labels;
    for (const Head& head : job.heads) labels.push_back(head.labels[row]);
    rows[labels].push_back(static_cast<std::int64_t>(row));
  }
  std::vector<std::vector<std::int64_t>> lists;
  for (auto& [labels, list] : rows) lists.push_back(std::move(list));
  return lists;
}

// The epoch's piece of all passes over a trunk's rows, one after the other.
std::vector<std::int64_t> stream_of_passes(const FoldJob& job, RandomKey key) {
  const auto rows = static_cast<std::int64_t>(job.train_rows.size());
  const std::int64_t begin = key.epoch * job.epoch_rows(), end = begin + job.epoch_rows();
  std::vector<std::int64_t> order;
  for (std::int64_t pass = begin / rows; pass * rows < end; ++pass) {
    key.epoch = static_cast<std::uint32_t>(pass);
    const std::vector<std::int64_t> whole = shuffled_positions(job.train_rows.size(), key);
    const std::int64_t from = std::max<std::int64_t>(0, begin - pass * rows), to = std::min(rows, end - pass * rows);
    order.insert(order.end(), whole.begin() + from, whole.begin() + to);
  }
  return order;
}

}  // namespace

std::vector<std::int64_t> class_draws(const std::string& sampling, const std::vector<std::int64_t>& counts,
                                      std::int64_t rows) {
  std::vector<double> shares;
  double sum = 0;
  for (const std::int64_t count : counts) {
    shares.push_back(sampling == "balanced" ? 1.0 : std::sqrt(static_cast<double>(count)));
    sum += shares.back();
  }
  // Rounds the running total, so that the draws add up to exactly `rows`.
  std::vector<std::int64_t> draws;
  double before = 0;
  for (const double share : shares) {
    const auto place = [&](double part) { return std::llround(static_cast<double>(rows) * part / sum); };
    draws.push_back(place(before + share) - place(before));
    before += share;
  }
  return draws;
}

std::vector<std::uint32_t> epoch_passes(const FoldJob& job, std::int64_t epoch) {
  std::vector<std::uint32_t> passes;
  if (!job.is_trunk() || job.train.sampling != "shuffle") return passes;
  const auto rows = static_cast<std::int64_t>(job.train_rows.size());
  const std::int64_t begin = epoch * job.epoch_rows();
  for (std::int64_t place = begin; place < begin + job.epoch_rows(); ++place)
    passes.push_back(static_cast<std::uint32_t>(place / rows));
  return passes;
}

std::vector<std::int64_t> epoch_order(const FoldJob& job, RandomKey key) {
  key.purpose = Purpose::kShuffle;
  const std::int64_t rows = job.epoch_rows();
  if (job.train.sampling == "shuffle")
    return job.is_trunk() ? stream_of_passes(job, key) : shuffled_positions(job.train_rows.size(), key);
  const auto classes = rows_by_class(job);
  std::vector<std::int64_t> counts, drawn;
  for (const auto& list : classes) counts.push_back(static_cast<std::int64_t>(list.size()));
  const std::vector<std::int64_t> draws = class_draws(job.train.sampling, counts, rows);
  RandomKey of_draws = key;
  of_draws.purpose = Purpose::kSampling;
  RandomStream random(of_draws);
  for (std::size_t c = 0; c < classes.size(); ++c) {
    // Whole passes over the class, then a random part: counts of its rows differ by at most one.
    std::vector<std::int64_t> once = classes[c];
    for (std::int64_t left = draws[c]; left > 0; left -= counts[c]) {
      shuffle(once, random);
      drawn.insert(drawn.end(), once.begin(), once.begin() + std::min(left, counts[c]));
    }
  }
  std::vector<std::int64_t> order;
  for (const std::int64_t place : shuffled_positions(drawn.size(), key)) order.push_back(drawn[std::size_t(place)]);
  return order;
}

}  // namespace pleat
