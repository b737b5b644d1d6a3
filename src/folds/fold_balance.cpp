#include "folds/fold_balance.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>

namespace pleat {
namespace {

// Cell visits that the improvement may take, some 2 s; small tables end far below, at a local optimum.
constexpr std::int64_t kVisitBudget = 400'000'000;
// With more types than this, each is tried against that many others drawn by chance instead of against all.
constexpr int kPartners = 400;
constexpr int kMaxPasses = 100;

class Balancer {
 public:
  Balancer(const BalanceProblem& problem, RandomStream& random)
      : problem_(problem),
        random_(random),
        k_(static_cast<std::size_t>(problem.k)),
        dealt_(problem.types.size() * k_, 0),
        rows_(problem.cells() * k_, 0) {}

  std::vector<int> solve() {
    deal_evenly();
    deal_the_rest();
    for (int pass = 0; pass < kMaxPasses && visits_ < kVisitBudget; ++pass) {
      if (!improve()) break;
    }
    return std::move(dealt_);
  }

 private:
  // Of the n groups of a type each fold gets floor(n / k): whatever else happens, those are balanced exactly.
  void deal_evenly() {
    for (std::size_t type = 0; type < problem_.types.size(); ++type) {
      const int share = problem_.groups_of_type[type] / problem_.k;
      for (std::size_t fold = 0; fold < k_ && share > 0; ++fold) add(type, fold, share);
    }
  }

  // What is left goes one by one, the large first (by octave, so that chance has a say: repeats must differ), each
  // to the fold where it hurts least.
  void deal_the_rest() {
    std::vector<std::size_t> left;
    for (std::size_t type = 0; type < problem_.types.size(); ++type) {
      left.insert(left.end(), static_cast<std::size_t>(problem_.groups_of_type[type] % problem_.k), type);
    }
    shuffle(left, random_);
    std::stable_sort(left.begin(), left.end(), [this](auto a, auto b) { return octave(a) > octave(b); });
    for (const std::size_t type : left) add(type, best_fold(type), 1);
  }

  int octave(std::size_t type) const {
    std::int64_t rows = 0;
    for (const CellCount& count : problem_.types[type]) rows += count.rows;
    return std::bit_width(static_cast<std::uint64_t>(rows));
  }

  std::size_t best_fold(std::size_t type) {
    const std::size_t start = random_.below(static_cast<std::uint32_t>(k_));
    std::size_t best = start;
    double lowest = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < k_; ++i) {
      const std::size_t fold = (start + i) % k_;
      double cost = 0;  // of weight * (rows - target)², only the part that differs between folds
      for (const auto& [cell, rows] : problem_.types[type]) {
        const std::int64_t there = at(cell, fold);
        cost += problem_.weight[index(cell)] * static_cast<double>(rows * there);
      }
      if (cost < lowest) {
        lowest = cost;
        best = fold;
      }
    }
    return best;
  }

  // One pass over all (type, fold) that hold groups, in random order: the best move, else the best swap.
  bool improve() {
    std::vector<std::size_t> held;
    for (std::size_t i = 0; i < dealt_.size(); ++i) {
      if (dealt_[i] > 0) held.push_back(i);
    }
    shuffle(held, random_);
    bool better = false;
    for (const std::size_t i : held) {
      if (visits_ >= kVisitBudget) break;
      if (dealt_[i] == 0) continue;  // moved on in this pass
      better |= try_move(i / k_, i % k_) || try_swap(i / k_, i % k_);
    }
    return better;
  }

  bool try_move(std::size_t type, std::size_t from) {
    double lowest = kNoGain;
    std::size_t best = from;
    for (std::size_t to = 0; to < k_; ++to) {
      if (to == from) continue;
      const double change = change_of(problem_.types[type], {}, from, to);
      if (change < lowest) {
        lowest = change;
        best = to;
      }
    }
    if (best == from) return false;
    move(type, from, best);
    return true;
  }

  bool try_swap(std::size_t type, std::size_t from) {
    const std::size_t types = problem_.types.size();
    const bool all = types <= kPartners;
    const std::size_t tries = all ? types : kPartners;
    double lowest = kNoGain;
    std::size_t partner = type, to = from;
    for (std::size_t i = 0; i < tries; ++i) {
      const std::size_t other = all ? i : random_.below(static_cast<std::uint32_t>(types));
      if (other == type) continue;
      for (std::size_t fold = 0; fold < k_; ++fold) {
        if (fold == from || dealt_[other * k_ + fold] == 0) continue;
        const double change = change_of(problem_.types[type], problem_.types[other], from, fold);
        if (change < lowest) {
          lowest = change;
          partner = other;
          to = fold;
        }
      }
    }
    if (partner == type) return false;
    move(type, from, to);
    move(partner, to, from);
    return true;
  }

  // How the objective changes if `out` goes from fold `from` to fold `to` and `in` comes back.
  double change_of(std::span<const CellCount> out, std::span<const CellCount> in, std::size_t from, std::size_t to) {
    visits_ += static_cast<std::int64_t>(out.size() + in.size());
    double change = 0, absent = 0;
    const auto visit = [&](int cell, std::int64_t rows) {
      const std::int64_t here = at(cell, from), there = at(cell, to);
      change += problem_.weight[index(cell)] * static_cast<double>(2 * rows * (rows + there - here));
      const int empty = (here == rows) + (there + rows == 0) - (here == 0) - (there == 0);
      absent += problem_.absence[index(cell)] * empty;
    };
    std::size_t i = 0, j = 0;
    while (i < out.size() || j < in.size()) {
      if (j == in.size() || (i < out.size() && out[i].cell < in[j].cell)) {
        visit(out[i].cell, out[i].rows);
        ++i;
      } else if (i == out.size() || in[j].cell < out[i].cell) {
        visit(in[j].cell, -in[j].rows);
        ++j;
      } else {
        if (out[i].rows != in[j].rows) visit(out[i].cell, out[i].rows - in[j].rows);
        ++i, ++j;
      }
    }
    return change + absent;
  }

  void move(std::size_t type, std::size_t from, std::size_t to) {
    add(type, from, -1);
    add(type, to, 1);
  }

  void add(std::size_t type, std::size_t fold, int groups) {
    dealt_[type * k_ + fold] += groups;
    for (const auto& [cell, rows] : problem_.types[type]) rows_[index(cell) * k_ + fold] += std::int64_t{rows} * groups;
  }

  static std::size_t index(int cell) { return static_cast<std::size_t>(cell); }
  std::int64_t at(int cell, std::size_t fold) const { return rows_[index(cell) * k_ + fold]; }

  static constexpr double kNoGain = -1e-9;  // below rounding, a change is no gain: the search would run in circles

  const BalanceProblem& problem_;
  RandomStream& random_;
  const std::size_t k_;
  std::vector<int> dealt_;
  std::vector<std::int64_t> rows_;  // [cell * k + fold]
  std::int64_t visits_ = 0;
};

}  // namespace

std::vector<int> balance(const BalanceProblem& problem, RandomStream& random) {
  return Balancer(problem, random).solve();
}

}  // namespace pleat
