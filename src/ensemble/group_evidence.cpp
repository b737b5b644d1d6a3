#include "ensemble/group_evidence.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace pleat {
namespace {

constexpr double kLeast = 1e-12;  // probabilities are clipped to it: no class is impossible

std::int64_t argmax(const double* values, std::int64_t count) {
  return std::max_element(values, values + count) - values;
}

// Runs work(group) for each group, on all threads.
template <class Work>
void each_group(const RowGroups& groups, const Work& work) {
  at::parallel_for(0, groups.count(), 256, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t group = first; group < last; ++group) work(group);
  });
}

// The mean logarithm of a class's probability over rows. Multiplies some before each logarithm, which takes longer.
double mean_log(const double* probs, std::int64_t classes, const std::int64_t* rows, std::int64_t count,
                std::int64_t label) {
  constexpr std::int64_t kAtOnce = 16;  // kLeast to this power is still in range
  double sum = 0;
  for (std::int64_t first = 0; first < count; first += kAtOnce) {
    double product = 1;
    for (std::int64_t i = first; i < std::min(count, first + kAtOnce); ++i)
      product *= std::max(probs[rows[i] * classes + label], kLeast);
    sum += std::log(product);
  }
  return sum / static_cast<double>(count);
}

Belief empty_belief(const torch::Tensor& probs, Evidence evidence) {
  return {.probs = at::zeros(probs.sizes(), at::kDouble),
          .labels = at::empty({probs.size(0)}, at::kLong),
          .evidence = std::vector<Evidence>(std::size_t(probs.size(0)), evidence)};
}

// All ways to take places one after another. A state is the number of places taken per class; a step takes one more.
class Composition {
 public:
  struct Step {
    std::int64_t from, to, label;
  };

  explicit Composition(std::vector<std::int64_t> places) : places_(std::move(places)) {
    std::int64_t total = 0;
    std::vector<std::int64_t> strides;
    for (const std::int64_t count : places_) {
      strides.push_back(states_);
      states_ *= count + 1;
      total += count;
    }
    steps_.resize(static_cast<std::size_t>(total));
    for (std::int64_t state = 0; state < states_; ++state) {
      std::int64_t taken = 0;
      for (std::size_t c = 0; c < places_.size(); ++c) taken += state / strides[c] % (places_[c] + 1);
      for (std::size_t c = 0; c < places_.size(); ++c) {
        if (state / strides[c] % (places_[c] + 1) < places_[c])
          steps_[std::size_t(taken)].push_back({state, state + strides[c], static_cast<std::int64_t>(c)});
      }
    }
  }

  const std::vector<std::int64_t>& places() const { return places_; }
  std::int64_t states() const { return states_; }
  /// The steps of row i, by state, then by class.
  const std::vector<Step>& steps(std::int64_t i) const { return steps_[std::size_t(i)]; }

 private:
  std::vector<std::int64_t> places_;
  std::int64_t states_ = 1;
  std::vector<std::vector<Step>> steps_;  // by the number of places taken before
};

// Assigns one group's rows to the places of a composition, by dynamic programming over the states. Weights are products
// of probabilities, scaled row by row to stay within range.
class Assignment {
 public:
  Assignment(const Composition& composition, const double* const* rows, std::int64_t count)
      : composition_(composition), rows_(rows), count_(count) {
    const auto cells = static_cast<std::size_t>((count + 1) * composition.states());
    best_.assign(cells, 0), sum_.assign(cells, 0);
    choice_.assign(cells, 0);
    for (std::int64_t state = 0; state < composition.states(); ++state)
      *best(count, state) = *sum(count, state) = 1;  // states that were not reached are never used
    for (std::int64_t i = count - 1; i >= 0; --i) pass_back(i);
  }

  void most_probable(std::int64_t* labels) const {
    std::int64_t state = 0;
    for (std::int64_t i = 0; i < count_; ++i) {
      const Composition::Step& step = composition_.steps(i)[choice_[std::size_t(i * composition_.states() + state)]];
      labels[i] = step.label;
      state = step.to;
    }
  }

  // The probability of each class of each row, over all assignments. probs: [count][classes], zeros before.
  void marginals(double* const* probs) const {
    std::vector<double> before(static_cast<std::size_t>(composition_.states())), next(before.size());
    before[0] = 1;
    for (std::int64_t i = 0; i < count_; ++i) {
      double whole = 0, most = 0;
      std::fill(next.begin(), next.end(), 0);
      for (const Composition::Step& step : composition_.steps(i)) {
        const double weight = before[std::size_t(step.from)] * prob(i, step.label);
        const double through = weight * *sum(i + 1, step.to);
        probs[i][step.label] += through;
        whole += through;
        most = std::max(most, next[std::size_t(step.to)] += weight);
      }
      for (std::size_t c = 0; c < composition_.places().size(); ++c) probs[i][c] /= whole;
      for (double& weight : next) weight /= most;
      before.swap(next);
    }
  }

 private:
  double prob(std::int64_t row, std::int64_t label) const { return std::max(rows_[row][label], kLeast); }
  const double* best(std::int64_t i, std::int64_t state) const {
    return &best_[std::size_t(i * composition_.states() + state)];
  }
  double* best(std::int64_t i, std::int64_t state) { return &best_[std::size_t(i * composition_.states() + state)]; }
  const double* sum(std::int64_t i, std::int64_t state) const {
    return &sum_[std::size_t(i * composition_.states() + state)];
  }
  double* sum(std::int64_t i, std::int64_t state) { return &sum_[std::size_t(i * composition_.states() + state)]; }

  // The largest and the summed weight of all assignments of rows i…, for each state before row i.
  void pass_back(std::int64_t i) {
    const std::vector<Composition::Step>& steps = composition_.steps(i);
    double most_best = 0, most_sum = 0;
    for (std::size_t s = 0; s < steps.size(); ++s) {
      const Composition::Step& step = steps[s];
      const double p = prob(i, step.label), weight = p * *best(i + 1, step.to);
      if (weight > *best(i, step.from)) {
        *best(i, step.from) = weight;
        choice_[std::size_t(i * composition_.states() + step.from)] = s;
      }
      most_best = std::max(most_best, weight);
      most_sum = std::max(most_sum, *sum(i, step.from) += p * *sum(i + 1, step.to));
    }
    for (std::int64_t state = 0; state < composition_.states(); ++state)
      *best(i, state) /= most_best, *sum(i, state) /= most_sum;
  }

  const Composition& composition_;
  const double* const* rows_;
  std::int64_t count_;
  std::vector<double> best_, sum_;   // [count + 1, states]
  std::vector<std::size_t> choice_;  // of best_: the step
};

}  // namespace

const char* name_of(Evidence evidence) {
  switch (evidence) {
    case Evidence::kGroup:
      return "group";
    case Evidence::kComposition:
      return "composition";
    case Evidence::kKnown:
      return "known";
    default:
      return "own";
  }
}

Belief own_belief(const torch::Tensor& probs) {
  Belief belief = empty_belief(probs, Evidence::kOwn);
  belief.probs = probs.to(at::kDouble).contiguous();
  auto* labels = belief.labels.data_ptr<std::int64_t>();
  const auto* rows = belief.probs.const_data_ptr<double>();
  for (std::int64_t row = 0; row < belief.rows(); ++row)
    labels[row] = argmax(rows + row * belief.classes(), belief.classes());
  return belief;
}

Belief constant_belief(const torch::Tensor& probs, const RowGroups& groups, const std::vector<std::int64_t>& known) {
  Belief belief = empty_belief(probs, Evidence::kGroup);
  const torch::Tensor given = probs.to(at::kDouble).contiguous();
  const auto* in = given.const_data_ptr<double>();
  auto* out = belief.probs.data_ptr<double>();
  auto* labels = belief.labels.data_ptr<std::int64_t>();
  const std::int64_t classes = belief.classes();
  each_group(groups, [&](std::int64_t group) {
    const std::int64_t *rows = groups.first(group), size = groups.size(group);
    std::vector<double> pooled(std::size_t(classes), 0.0);
    if (const std::int64_t label = known[std::size_t(group)]; label >= 0) {
      pooled[std::size_t(label)] = 1;
    } else {
      for (std::int64_t c = 0; c < classes; ++c) pooled[std::size_t(c)] = mean_log(in, classes, rows, size, c);
      const double most = *std::max_element(pooled.begin(), pooled.end());
      double sum = 0;
      for (double& value : pooled) sum += value = std::exp(value - most);
      for (double& value : pooled) value /= sum;
    }
    const std::int64_t label = argmax(pooled.data(), classes);
    for (std::int64_t i = 0; i < size; ++i) {
      std::copy(pooled.begin(), pooled.end(), out + rows[i] * classes);
      labels[rows[i]] = label;
      if (known[std::size_t(group)] >= 0) belief.evidence[std::size_t(rows[i])] = Evidence::kKnown;
    }
  });
  return belief;
}

Belief composed_belief(const torch::Tensor& probs, const RowGroups& groups,
                       const std::vector<std::vector<std::int64_t>>& places) {
  Belief belief = empty_belief(probs, Evidence::kComposition);
  const torch::Tensor given = probs.to(at::kDouble).contiguous();
  const auto* in = given.const_data_ptr<double>();
  auto* out = belief.probs.data_ptr<double>();
  auto* labels = belief.labels.data_ptr<std::int64_t>();
  const std::int64_t classes = belief.classes();
  at::parallel_for(0, groups.count(), 256, [&](std::int64_t begin, std::int64_t end) {
    std::optional<Composition> composition;  // most groups have the same places
    std::vector<const double*> row_probs;
    std::vector<double*> row_out;
    std::vector<std::int64_t> best;
    for (std::int64_t group = begin; group < end; ++group) {
      const std::int64_t *rows = groups.first(group), size = groups.size(group);
      if (!composition || composition->places() != places[std::size_t(group)])
        composition.emplace(places[std::size_t(group)]);
      row_probs.clear(), row_out.clear();
      for (std::int64_t i = 0; i < size; ++i) {
        row_probs.push_back(in + rows[i] * classes);
        row_out.push_back(out + rows[i] * classes);
      }
      best.resize(static_cast<std::size_t>(size));
      const Assignment assignment(*composition, row_probs.data(), size);
      assignment.most_probable(best.data());
      assignment.marginals(row_out.data());
      for (std::int64_t i = 0; i < size; ++i) labels[rows[i]] = best[std::size_t(i)];
    }
  });
  return belief;
}

}  // namespace pleat
