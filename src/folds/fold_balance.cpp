#include "folds/fold_balance.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "folds/fold_tally.h"

namespace pleat {
namespace {

// Limits on visited cells: about 2 s in all on a slow core. Small tables stop far below, at the best of several local
// optima.
constexpr std::int64_t kVisitsPerSearch = 50'000'000;
constexpr std::int64_t kVisitsForStarts = 20'000'000;
constexpr int kMostStarts = 16;
constexpr int kReferences = 32;
constexpr std::int64_t kMostGroupsOneByOne = 100'000;
constexpr int kMostPasses = 100;
// With more types than this, a swap is tried with this many random types instead of with all.
constexpr std::size_t kPartners = 400;
// Gains within rounding do not count: the search would run in circles.
constexpr double kNoGain = -1e-11;

// A plan under construction.
class Dealer {
 public:
  Dealer(const BalanceProblem& problem, RandomStream& random)
      : problem_(&problem),
        random_(&random),
        k_(static_cast<std::size_t>(problem.k)),
        dealt_(problem.types.size() * k_, 0),
        tally_(problem) {}

  // Gives each fold floor(n / k) of the n groups of a type: those are balanced exactly.
  void deal_evenly() {
    for (std::size_t type = 0; type < problem_->types.size(); ++type) {
      const int share = problem_->groups_of_type[type] / problem_->k;
      for (std::size_t fold = 0; fold < k_ && share > 0; ++fold) add(type, fold, share);
    }
  }

  // Deals the remaining groups one by one, the large ones first, each to the fold with the lowest cost. Compares sizes
  // by octave, so that chance has a say: repeats must differ.
  void deal_the_rest() {
    std::vector<std::size_t> left = undealt();
    shuffle(left, *random_);
    const auto octave = [this](std::size_t type) { return std::bit_width(static_cast<unsigned>(rows(type))); };
    std::stable_sort(left.begin(), left.end(), [&](auto a, auto b) { return octave(a) > octave(b); });
    for (const std::size_t type : left) {
      const std::size_t start = random_->below(static_cast<std::uint32_t>(k_));  // equal folds: a random one
      std::size_t best = start;
      double lowest = std::numeric_limits<double>::infinity();
      for (std::size_t i = 0; i < k_; ++i) {
        const std::size_t fold = (start + i) % k_;
        if (const double cost = tally_.pull(problem_->types[type], fold); cost < lowest) {
          lowest = cost;
          best = fold;
        }
      }
      add(type, best, 1);
    }
  }

  // Deals like scikit-learn's StratifiedGroupKFold: groups with uneven classes first, each to the fold that minimises
  // the classes' spread over the folds. Ties go to the smallest fold.
  void deal_as_scikit_learn() {
    std::vector<std::size_t> left = undealt();
    std::vector<double> unevenness;
    for (std::size_t type = 0; type < problem_->types.size(); ++type) unevenness.push_back(spread_of_counts(type));
    shuffle(left, *random_);
    std::stable_sort(left.begin(), left.end(), [&](auto a, auto b) { return unevenness[a] > unevenness[b]; });
    for (const std::size_t type : left) {
      std::size_t best = 0;
      double lowest = std::numeric_limits<double>::infinity();
      for (std::size_t fold = 0; fold < k_; ++fold) {
        const double change = tally_.spread_change(problem_->types[type], fold);
        const bool equal = std::abs(change - lowest) < 1e-12;
        if (equal ? tally_.rows(0, fold) < tally_.rows(0, best) : change < lowest) {
          lowest = change;
          best = fold;
        }
      }
      add(type, best, 1);
    }
  }

  // Moves and swaps groups until nothing lowers the judge's cost. Without a judge, uses the smoother cost of `pull`.
  void search(const Judge* judge) {
    limit_ = tally_.visits() + kVisitsPerSearch;
    for (int pass = 0; pass < kMostPasses && improve(judge); ++pass) {
    }
  }

  const Imbalance& imbalance() { return tally_.imbalance(); }
  std::int64_t visits() const { return tally_.visits(); }
  const std::vector<int>& dealt() const { return dealt_; }

 private:
  struct Step {
    double change = kNoGain;
    std::size_t to = 0, partner = 0;
  };

  // The type of each group that is in no fold yet.
  std::vector<std::size_t> undealt() const {
    std::vector<std::size_t> left;
    for (std::size_t type = 0; type < problem_->types.size(); ++type) {
      int groups = problem_->groups_of_type[type];
      for (std::size_t fold = 0; fold < k_; ++fold) groups -= dealt_[type * k_ + fold];
      left.insert(left.end(), static_cast<std::size_t>(groups), type);
    }
    return left;
  }

  // One pass over all (type, fold) with groups, in random order. Makes the best move of each, else the best swap.
  bool improve(const Judge* judge) {
    std::vector<std::size_t> held;
    for (std::size_t i = 0; i < dealt_.size(); ++i) {
      if (dealt_[i] > 0) held.push_back(i);
    }
    shuffle(held, *random_);
    bool better = false;
    for (const std::size_t i : held) {
      if (spent()) return false;
      if (dealt_[i] == 0) continue;  // moved earlier in this pass
      better |= try_move(judge, i / k_, i % k_) || try_swap(judge, i / k_, i % k_);
    }
    return better;
  }

  bool try_move(const Judge* judge, std::size_t type, std::size_t from) {
    Step best;
    for (std::size_t to = 0; to < k_ && !spent(); ++to) {
      if (to == from) continue;
      const double change = change_of(judge, problem_->types[type], {}, from, to);
      if (change < best.change) best = {change, to};
    }
    if (best.change >= kNoGain) return false;
    move(type, from, best.to);
    return true;
  }

  bool try_swap(const Judge* judge, std::size_t type, std::size_t from) {
    const std::size_t types = problem_->types.size();
    const bool all = types <= kPartners;
    Step best;
    // With very many cells, one round of partners alone exceeds the limit of a whole search.
    for (std::size_t i = 0; i < (all ? types : kPartners) && !spent(); ++i) {
      const std::size_t other = all ? i : random_->below(static_cast<std::uint32_t>(types));
      if (other == type) continue;
      for (std::size_t fold = 0; fold < k_ && !spent(); ++fold) {
        if (fold == from || dealt_[other * k_ + fold] == 0) continue;
        const double change = change_of(judge, problem_->types[type], problem_->types[other], from, fold);
        if (change < best.change) best = {change, fold, other};
      }
    }
    if (best.change >= kNoGain) return false;
    move(type, from, best.to);
    move(best.partner, best.to, from);
    return true;
  }

  bool spent() const { return tally_.visits() >= limit_; }

  double change_of(const Judge* judge, std::span<const CellCount> out, std::span<const CellCount> in, std::size_t from,
                   std::size_t to) {
    return judge != nullptr ? tally_.judge_change(*judge, out, in, from, to) : tally_.search_change(out, in, from, to);
  }

  void move(std::size_t type, std::size_t from, std::size_t to) {
    add(type, from, -1);
    add(type, to, 1);
  }

  void add(std::size_t type, std::size_t fold, int groups) {
    dealt_[type * k_ + fold] += groups;
    tally_.add(problem_->types[type], fold, groups);
  }

  int rows(std::size_t type) const { return problem_->types[type].front().rows; }  // cell 0

  double spread_of_counts(std::size_t type) const {
    double sum = 0, squares = 0;
    for (const auto& [cell, count] : problem_->types[type]) {
      if (cell == 0) continue;
      sum += count;
      squares += static_cast<double>(count) * count;
    }
    const auto classes = static_cast<double>(problem_->cells.size() - 1);
    return squares / classes - (sum / classes) * (sum / classes);
  }

  const BalanceProblem* problem_;
  RandomStream* random_;
  std::size_t k_;
  std::vector<int> dealt_;
  FoldTally tally_;
  std::int64_t limit_ = 0;  // on visits, for the current search
};

// Absences come first; the judge's cost decides between equals.
std::pair<double, double> cost_of(Dealer& dealer, const Judge& judge) {
  return {dealer.imbalance().absence, judge(dealer.imbalance())};
}

// Makes the best of several plans dealt like scikit-learn's. Where groups are alike, dealing them evenly first is never
// worse. It is also the only fast way for a million rows without groups.
Dealer reference_plan(const BalanceProblem& problem, RandomStream& random, std::int64_t& visits) {
  Dealer even(problem, random);
  even.deal_evenly();
  even.deal_as_scikit_learn();
  visits += even.visits();
  const std::int64_t groups =
      std::accumulate(problem.groups_of_type.begin(), problem.groups_of_type.end(), std::int64_t{0});
  if (groups > kMostGroupsOneByOne) return even;
  std::optional<Dealer> best;
  for (int i = 0; i < kReferences && (i == 0 || visits < kVisitsForStarts); ++i) {
    Dealer dealer(problem, random);
    dealer.deal_as_scikit_learn();
    visits += dealer.visits();
    if (!best || cost_of(dealer, Judge{}) < cost_of(*best, Judge{})) best.emplace(std::move(dealer));
  }
  return even.imbalance().within(best->imbalance()) ? std::move(even) : std::move(*best);
}

}  // namespace

std::vector<int> balance(const BalanceProblem& problem, RandomStream& random) {
  std::int64_t visits = 0;
  Dealer best = reference_plan(problem, random, visits);
  const Judge judge{.limit = best.imbalance()};
  best.search(&judge);
  for (int start = 0; start < kMostStarts && (start == 0 || visits < kVisitsForStarts); ++start) {
    Dealer dealer(problem, random);
    dealer.deal_evenly();
    dealer.deal_the_rest();
    dealer.search(nullptr);
    const Judge unlimited;
    if (start % 2 == 1) dealer.search(&unlimited);  // a limit blocks some ways down
    dealer.search(&judge);
    visits += dealer.visits();
    if (cost_of(dealer, judge) < cost_of(best, judge)) best = std::move(dealer);
  }
  return best.dealt();
}

}  // namespace pleat
