#include "ensemble/resample.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "target/metrics.h"

namespace pleat {

ResampledScore::ResampledScore(const std::vector<torch::Tensor>& tables, const torch::Tensor& labels, RowGroups groups,
                               std::string score)
    : groups_(std::move(groups)), score_(std::move(score)), classes_(tables.front().size(1)) {
  constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
  const torch::Tensor codes = labels.contiguous();
  for (std::int64_t row = 0; row < codes.numel(); ++row)
    labels_.push_back(static_cast<std::int32_t>(codes.const_data_ptr<std::int64_t>()[row]));
  for (const torch::Tensor& given : tables) {
    const torch::Tensor probs = given.to(at::kDouble).contiguous();
    Table& table = tables_.emplace_back();
    for (std::size_t row = 0; row < labels_.size(); ++row) {
      const double* first = probs.const_data_ptr<double>() + static_cast<std::int64_t>(row) * classes_;
      table.guesses.push_back(static_cast<std::int32_t>(std::max_element(first, first + classes_) - first));
      table.losses.push_back(-std::log(std::clamp(first[labels_[row]], kEpsilon, 1 - kEpsilon)));
    }
  }
}

double ResampledScore::score_of(const std::vector<std::int64_t>& drawn_groups) const {
  double sum = 0;
  for (const Table& table : tables_) {
    std::vector<ClassCounts> classes(static_cast<std::size_t>(classes_));
    double loss = 0;
    std::int64_t rows = 0, hits = 0;
    for (const std::int64_t group : drawn_groups) {
      for (std::int64_t i = 0; i < groups_.size(group); ++i) {
        const auto row = static_cast<std::size_t>(groups_.first(group)[i]);
        const bool hit = labels_[row] == table.guesses[row];
        ++classes[std::size_t(labels_[row])].labelled;
        ++classes[std::size_t(table.guesses[row])].guessed;
        classes[std::size_t(labels_[row])].hit += hit;
        ++rows, hits += hit;
        loss += table.losses[row];
      }
    }
    sum += score_by_name(
        {.accuracy = double(hits) / double(rows), .macro_f1 = macro_f1(classes), .log_loss = loss / double(rows)},
        score_);
  }
  return sum / static_cast<double>(tables_.size());
}

double ResampledScore::whole() const {
  std::vector<std::int64_t> all(static_cast<std::size_t>(groups_.count()));
  std::iota(all.begin(), all.end(), 0);
  return score_of(all);
}

double ResampledScore::drawn(RandomStream& random) const {
  std::vector<std::int64_t> groups;
  for (std::int64_t i = 0; i < groups_.count(); ++i)
    groups.push_back(random.below(static_cast<std::uint32_t>(groups_.count())));
  return score_of(groups);
}

namespace {

RandomStream stream_of(std::int64_t resample) {
  return RandomStream({.purpose = Purpose::kResample, .sample = static_cast<std::uint64_t>(resample)});
}

// The 95 % interval of a value that each resample gives, around the value of all rows.
template <class Value>
Interval interval(double whole, int resamples, const Value& value_of) {
  std::vector<double> values(static_cast<std::size_t>(resamples));
  at::parallel_for(0, resamples, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) values[static_cast<std::size_t>(i)] = value_of(i);
  });
  return percentile_interval(whole, std::move(values));
}

// On the groups of this resample, the same for every target.
double drawn_of(const TargetsScore& model, std::int64_t resample) {
  double sum = 0;
  for (const ResampledScore& target : model) {
    RandomStream random = stream_of(resample);
    sum += target.drawn(random);
  }
  return sum / static_cast<double>(model.size());
}

}  // namespace

double whole_score(const TargetsScore& model) {
  double sum = 0;
  for (const ResampledScore& target : model) sum += target.whole();
  return sum / static_cast<double>(model.size());
}

Interval percentile_interval(double whole, std::vector<double> resampled) {
  std::sort(resampled.begin(), resampled.end());
  const auto at_share = [&](double share) {
    return resampled[static_cast<std::size_t>(std::llround(share * static_cast<double>(resampled.size() - 1)))];
  };
  return {.value = whole, .low = at_share(0.025), .high = at_share(0.975)};
}

Interval difference(const ResampledScore& a, const ResampledScore& b, int resamples) {
  return interval(a.whole() - b.whole(), resamples, [&](std::int64_t i) {
    RandomStream random = stream_of(i);
    const double of_a = a.drawn(random);
    return of_a - b.drawn(random);
  });
}

Interval interval_of(const TargetsScore& model, int resamples) {
  return interval(whole_score(model), resamples, [&](std::int64_t i) { return drawn_of(model, i); });
}

Interval paired_difference(const TargetsScore& a, const TargetsScore& b, int resamples) {
  return interval(whole_score(a) - whole_score(b), resamples,
                  [&](std::int64_t i) { return drawn_of(a, i) - drawn_of(b, i); });
}

}  // namespace pleat
