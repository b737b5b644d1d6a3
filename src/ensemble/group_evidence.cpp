#include "ensemble/group_evidence.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>

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

Belief empty_belief(const torch::Tensor& probs, Evidence evidence) {
  return {.probs = at::zeros(probs.sizes(), at::kDouble),
          .labels = at::empty({probs.size(0)}, at::kLong),
          .evidence = std::vector<Evidence>(std::size_t(probs.size(0)), evidence)};
}

// The assignments of one group's rows to classes with limited places, by dynamic programming over the places taken.
// A state is the number of places taken per class, as a number in a mixed radix; after i rows its digits sum to i.
class Assignments {
 public:
  Assignments(const double* const* rows, std::int64_t count, const std::vector<std::int64_t>& places)
      : rows_(rows), count_(count) {
    for (std::size_t c = 0; c < places.size(); ++c) {
      if (places[c] == 0) continue;
      classes_.push_back(static_cast<std::int64_t>(c));
      strides_.push_back(states_);
      sizes_.push_back(places[c] + 1);
      states_ *= places[c] + 1;
    }
    taken_.resize(std::size_t(states_));
    for (std::int64_t state = 0; state < states_; ++state) {
      for (std::size_t c = 0; c < classes_.size(); ++c) taken_[std::size_t(state)] += digit(state, c);
    }
  }

  // The most probable assignment.
  void most_probable(std::int64_t* labels) const {
    constexpr double kNever = -std::numeric_limits<double>::infinity();
    // best[i][state]: the largest log-probability of rows i… if the rows before took `state`.
    std::vector<double> best(std::size_t((count_ + 1) * states_), kNever);
    each_state(count_, [&](std::int64_t state) { best[std::size_t(count_ * states_ + state)] = 0; });
    for (std::int64_t i = count_ - 1; i >= 0; --i) {
      each_state(i, [&](std::int64_t state) {
        double& mine = best[std::size_t(i * states_ + state)];
        each_free_class(state, [&](std::size_t c) {
          mine = std::max(mine, log_prob(i, c) + best[std::size_t((i + 1) * states_ + state + strides_[c])]);
        });
      });
    }
    std::int64_t state = 0;
    for (std::int64_t i = 0; i < count_; ++i) {
      std::size_t chosen = classes_.size();
      each_free_class(state, [&](std::size_t c) {
        const double whole = log_prob(i, c) + best[std::size_t((i + 1) * states_ + state + strides_[c])];
        if (chosen == classes_.size() && whole == best[std::size_t(i * states_ + state)]) chosen = c;
      });
      labels[i] = classes_[chosen];
      state += strides_[chosen];
    }
  }

  // The probability of each class of each row, over all assignments. probs: [count][width], zeros before.
  void marginals(double* const* probs) const {
    const std::vector<double> after = weights_after();
    std::vector<double> before(static_cast<std::size_t>(states_)), next;  // before[state]: weight of the rows so far
    before[0] = 1;
    for (std::int64_t i = 0; i < count_; ++i) {
      next.assign(std::size_t(states_), 0);
      double sum = 0;
      each_state(i, [&](std::int64_t state) {
        each_free_class(state, [&](std::size_t c) {
          const double weight = before[std::size_t(state)] * prob(i, c);
          const double whole = weight * after[std::size_t((i + 1) * states_ + state + strides_[c])];
          probs[i][classes_[c]] += whole;
          sum += whole;
          next[std::size_t(state + strides_[c])] += weight;
        });
      });
      for (const std::int64_t c : classes_) probs[i][c] /= sum;
      normalise(next.data());
      before.swap(next);
    }
  }

 private:
  std::int64_t digit(std::int64_t state, std::size_t c) const { return state / strides_[c] % sizes_[c]; }
  double prob(std::int64_t row, std::size_t c) const { return std::max(rows_[row][classes_[c]], kLeast); }
  double log_prob(std::int64_t row, std::size_t c) const { return std::log(prob(row, c)); }

  template <class Work>
  void each_state(std::int64_t taken, const Work& work) const {
    for (std::int64_t state = 0; state < states_; ++state) {
      if (taken_[std::size_t(state)] == taken) work(state);
    }
  }
  template <class Work>
  void each_free_class(std::int64_t state, const Work& work) const {
    for (std::size_t c = 0; c < classes_.size(); ++c) {
      if (digit(state, c) + 1 < sizes_[c]) work(c);
    }
  }
  // Keeps products of many probabilities within range.
  void normalise(double* weights) const {
    const double most = *std::max_element(weights, weights + states_);
    for (std::int64_t state = 0; state < states_; ++state) weights[state] /= most;
  }

  // [i][state]: the summed weight of all assignments of rows i…
  std::vector<double> weights_after() const {
    std::vector<double> after(std::size_t((count_ + 1) * states_));
    each_state(count_, [&](std::int64_t state) { after[std::size_t(count_ * states_ + state)] = 1; });
    for (std::int64_t i = count_ - 1; i >= 0; --i) {
      each_state(i, [&](std::int64_t state) {
        each_free_class(state, [&](std::size_t c) {
          after[std::size_t(i * states_ + state)] +=
              prob(i, c) * after[std::size_t((i + 1) * states_ + state + strides_[c])];
        });
      });
      normalise(after.data() + i * states_);
    }
    return after;
  }

  const double* const* rows_;
  std::int64_t count_, states_ = 1;
  std::vector<std::int64_t> classes_, strides_, sizes_;  // of the classes that have places
  std::vector<std::int64_t> taken_;                      // by state
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
      for (std::int64_t i = 0; i < size; ++i) {
        for (std::int64_t c = 0; c < classes; ++c)
          pooled[std::size_t(c)] += std::log(std::max(in[rows[i] * classes + c], kLeast)) / static_cast<double>(size);
      }
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
  each_group(groups, [&](std::int64_t group) {
    const std::int64_t *rows = groups.first(group), size = groups.size(group);
    std::vector<const double*> row_probs;
    std::vector<double*> row_out;
    for (std::int64_t i = 0; i < size; ++i) {
      row_probs.push_back(in + rows[i] * classes);
      row_out.push_back(out + rows[i] * classes);
    }
    const Assignments assignments(row_probs.data(), size, places[std::size_t(group)]);
    std::vector<std::int64_t> best(static_cast<std::size_t>(size));
    assignments.most_probable(best.data());
    assignments.marginals(row_out.data());
    for (std::int64_t i = 0; i < size; ++i) labels[rows[i]] = best[std::size_t(i)];
  });
  return belief;
}

}  // namespace pleat
