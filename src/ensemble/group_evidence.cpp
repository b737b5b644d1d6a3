#include "ensemble/group_evidence.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>

namespace pleat {
namespace {

constexpr double kLeast = 1e-12;  // probabilities are clipped to it: no class is impossible

std::int64_t argmax(const double* values, std::int64_t count) {
  return std::max_element(values, values + count) - values;
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

// The normalised geometric mean of the rows' probabilities, or certainty of a known label (>= 0).
void pool(const double* probs, const std::int64_t* rows, std::int64_t count, std::int64_t known,
          std::vector<double>& pooled) {
  const auto classes = static_cast<std::int64_t>(pooled.size());
  if (known >= 0) {
    std::fill(pooled.begin(), pooled.end(), 0);
    pooled[std::size_t(known)] = 1;
    return;
  }
  for (std::int64_t c = 0; c < classes; ++c) pooled[std::size_t(c)] = mean_log(probs, classes, rows, count, c);
  const double most = *std::max_element(pooled.begin(), pooled.end());
  double sum = 0;
  for (double& value : pooled) sum += value = std::exp(value - most);
  for (double& value : pooled) value /= sum;
}

// Requires: the caller writes every row.
Belief empty_belief(const torch::Tensor& probs, Evidence evidence) {
  return {.probs = at::empty(probs.sizes(), at::kDouble),
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

// Groups with the same composition and size are assigned side by side: every number below is one per lane.
constexpr std::int64_t kLanes = 8;
// From the weights of states after a row to those before it: their largest (with the step that leads to it) and sum.
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"))) void step_back(
    const std::vector<Composition::Step>& steps, const double* probs, const double* best_after, const double* sum_after,
    double* best, double* sum, std::int64_t* choice) {
  for (std::size_t s = 0; s < steps.size(); ++s) {
    const auto [from, to, label] = steps[s];
    const double *p = probs + label * kLanes, *best_to = best_after + to * kLanes, *sum_to = sum_after + to * kLanes;
    double *best_from = best + from * kLanes, *sum_from = sum + from * kLanes;
    std::int64_t* choice_from = choice + from * kLanes;
#pragma omp simd
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const double weight = p[lane] * best_to[lane];
      choice_from[lane] = weight > best_from[lane] ? static_cast<std::int64_t>(s) : choice_from[lane];
      best_from[lane] = weight > best_from[lane] ? weight : best_from[lane];
      sum_from[lane] += p[lane] * sum_to[lane];
    }
  }
}

// From the summed weights of states before a row to those after it, and the weight of each class of the row.
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"))) void step_forward(
    const std::vector<Composition::Step>& steps, const double* probs, const double* before, const double* sum_after,
    double* after, double* by_class) {
  for (const auto& [from, to, label] : steps) {
    const double *p = probs + label * kLanes, *of = before + from * kLanes, *sum_to = sum_after + to * kLanes;
    double *next = after + to * kLanes, *mine = by_class + label * kLanes;
#pragma omp simd
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const double weight = of[lane] * p[lane];
      mine[lane] += weight * sum_to[lane];
      next[lane] += weight;
    }
  }
}

// The least probability in a group of `count` rows: even the product of so many stays in range. It is kLeast for up to
// 23 rows, 2e-5 for 60.
double least_of(std::int64_t count) { return std::max(kLeast, std::pow(10, -280.0 / static_cast<double>(count))); }

// Assigns the rows of up to kLanes groups of one size to the places of a composition, by dynamic programming over the
// states. Weights are products of probabilities.
class Assignment {
 public:
  Assignment(const Composition& composition, std::int64_t count, std::int64_t classes)
      : composition_(composition),
        count_(count),
        classes_(classes),
        least_(least_of(count)),
        probs_(std::size_t(count * classes * kLanes)),
        best_(std::size_t((count + 1) * composition.states() * kLanes)),
        sum_(best_.size()),
        choice_(best_.size()),
        before_(std::size_t(composition.states() * kLanes)),
        after_(before_.size()),
        by_class_(std::size_t(classes * kLanes)) {}

  bool fits(const Composition& composition, std::int64_t count) const {
    return &composition_ == &composition && count_ == count;
  }

  /// groups: the groups' rows, kLanes of them; in: [N, classes]
  void assign(const std::array<const std::int64_t*, kLanes>& groups, const double* in) {
    for (std::int64_t i = 0; i < count_; ++i) {
      for (std::int64_t lane = 0; lane < kLanes; ++lane) {
        const double* row = in + groups[std::size_t(lane)][i] * classes_;
        for (std::int64_t c = 0; c < classes_; ++c)
          probs_[std::size_t((i * classes_ + c) * kLanes + lane)] = std::max(row[c], least_);
      }
    }
    const std::int64_t cells = composition_.states() * kLanes;
    std::fill(best_.begin(), best_.end(), 0), std::fill(sum_.begin(), sum_.end(), 0);
    std::fill(best_.end() - cells, best_.end(), 1);  // states that were not reached are never used
    std::fill(sum_.end() - cells, sum_.end(), 1);
    for (std::int64_t i = count_ - 1; i >= 0; --i) {
      step_back(composition_.steps(i), probs(i), best_at(i + 1), sum_at(i + 1), best_at(i), sum_at(i),
                choice_.data() + i * cells);
    }
  }

  /// The most probable class of row i, if the rows before it took the places of `state`; moves to the next state.
  std::int64_t next_label(std::int64_t i, std::int64_t lane, std::int64_t& state) const {
    const auto step = std::size_t(choice_[std::size_t((i * composition_.states() + state) * kLanes + lane)]);
    state = composition_.steps(i)[step].to;
    return composition_.steps(i)[step].label;
  }

  /// Calls take(row, lane, probs) with each row's probability of each class, over all assignments.
  template <class Take>
  void marginals(const Take& take) {
    std::fill(before_.begin(), before_.end(), 0);
    std::fill(before_.begin(), before_.begin() + kLanes, 1);
    std::vector<double> of_row(std::size_t(classes_), 0.0);
    for (std::int64_t i = 0; i < count_; ++i) {
      std::fill(after_.begin(), after_.end(), 0), std::fill(by_class_.begin(), by_class_.end(), 0);
      step_forward(composition_.steps(i), probs(i), before_.data(), sum_at(i + 1), after_.data(), by_class_.data());
      for (std::int64_t lane = 0; lane < kLanes; ++lane) {
        double whole = 0;
        for (std::int64_t c = 0; c < classes_; ++c) whole += by_class_[std::size_t(c * kLanes + lane)];
        for (std::int64_t c = 0; c < classes_; ++c)
          of_row[std::size_t(c)] = by_class_[std::size_t(c * kLanes + lane)] / whole;
        take(i, lane, of_row);
      }
      before_.swap(after_);
    }
  }

 private:
  const double* probs(std::int64_t i) const { return probs_.data() + i * classes_ * kLanes; }
  double* best_at(std::int64_t i) { return best_.data() + i * composition_.states() * kLanes; }
  double* sum_at(std::int64_t i) { return sum_.data() + i * composition_.states() * kLanes; }

  const Composition& composition_;
  std::int64_t count_, classes_;
  double least_;
  std::vector<double> probs_;           // [rows, classes, lanes]
  std::vector<double> best_, sum_;      // [rows + 1, states, lanes]: of all assignments of rows i…
  std::vector<std::int64_t> choice_;    // of best_: the step
  std::vector<double> before_, after_;  // [states, lanes]
  std::vector<double> by_class_;        // [classes, lanes]
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
  at::parallel_for(0, groups.count(), 256, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> pooled(static_cast<std::size_t>(classes));
    for (std::int64_t group = begin; group < end; ++group) {
      const std::int64_t *rows = groups.first(group), size = groups.size(group),
                         given_label = known[std::size_t(group)];
      pool(in, rows, size, given_label, pooled);
      const std::int64_t label = argmax(pooled.data(), classes);
      for (std::int64_t i = 0; i < size; ++i) {
        std::copy(pooled.begin(), pooled.end(), out + rows[i] * classes);
        labels[rows[i]] = label;
        if (given_label >= 0) belief.evidence[std::size_t(rows[i])] = Evidence::kKnown;
      }
    }
  });
  return belief;
}

namespace {

// Groups that can be assigned side by side: consecutive ones with the same places and size.
std::int64_t end_of_batch(const RowGroups& groups, const std::vector<std::vector<std::int64_t>>& places,
                          std::int64_t first, std::int64_t end) {
  std::int64_t last = first + 1;
  while (last < std::min(end, first + kLanes) && groups.size(last) == groups.size(first) &&
         places[std::size_t(last)] == places[std::size_t(first)])
    ++last;
  return last;
}

}  // namespace

Belief composed_belief(const torch::Tensor& probs, const RowGroups& groups,
                       const std::vector<std::vector<std::int64_t>>& places) {
  Belief belief = empty_belief(probs, Evidence::kComposition);
  const torch::Tensor given = probs.to(at::kDouble).contiguous();
  const auto* in = given.const_data_ptr<double>();
  auto* out = belief.probs.data_ptr<double>();
  auto* labels = belief.labels.data_ptr<std::int64_t>();
  const std::int64_t classes = belief.classes();
  at::parallel_for(0, groups.count(), 256, [&](std::int64_t begin, std::int64_t end) {
    std::unique_ptr<Composition> composition;  // most groups have the same places
    std::optional<Assignment> assignment;
    for (std::int64_t group = begin; group < end;) {
      const std::int64_t next = end_of_batch(groups, places, group, end), size = groups.size(group);
      if (!composition || composition->places() != places[std::size_t(group)]) {
        assignment.reset();
        composition = std::make_unique<Composition>(places[std::size_t(group)]);
      }
      if (!assignment || !assignment->fits(*composition, size)) assignment.emplace(*composition, size, classes);
      std::array<const std::int64_t*, kLanes> rows{};
      for (std::int64_t lane = 0; lane < kLanes; ++lane)
        rows[std::size_t(lane)] = groups.first(std::min(group + lane, next - 1));  // empty lanes repeat the last
      assignment->assign(rows, in);
      for (std::int64_t lane = 0; lane < next - group; ++lane) {
        std::int64_t state = 0;
        for (std::int64_t i = 0; i < size; ++i)
          labels[rows[std::size_t(lane)][i]] = assignment->next_label(i, lane, state);
      }
      assignment->marginals([&](std::int64_t i, std::int64_t lane, const std::vector<double>& of_row) {
        std::copy(of_row.begin(), of_row.end(), out + rows[std::size_t(lane)][i] * classes);
      });
      group = next;
    }
  });
  return belief;
}

}  // namespace pleat
