#include "folds/trunk_plan.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace pleat {
namespace {

constexpr int kSmallest = 3;  // folds of a trunk that is not divided

// Trunks on the way from one of `folds` folds to a network.
int levels_of(int folds) { return folds <= kSmallest ? 1 : 1 + levels_of(folds - folds / 2); }

// Adds the trunk of these folds, and the trunks that continue it.
void grow(TrunkPlan& plan, Trunk trunk, std::int64_t shared) {
  if (trunk.folds() < 2 || trunk.from == shared) return;
  const std::int64_t left = shared - trunk.from;
  const int levels = levels_of(trunk.folds());
  trunk.until = trunk.from + std::max<std::int64_t>(1, std::llround(static_cast<double>(left) / levels));
  const int index = static_cast<int>(plan.trunks.size());
  plan.trunks.push_back(trunk);
  std::fill(plan.trunk_of.begin() + trunk.first, plan.trunk_of.begin() + trunk.last + 1, index);
  if (levels == 1) return;
  const int half = trunk.folds() / 2;
  Trunk one{.first = trunk.first, .last = trunk.first + half - 1, .parent = index, .from = trunk.until};
  Trunk other{.first = trunk.first + half, .last = trunk.last, .parent = index, .from = trunk.until};
  grow(plan, one, shared);
  grow(plan, other, shared);
}

}  // namespace

std::int64_t TrunkPlan::shared_epochs(FoldId fold) const {
  const int trunk = trunk_of.at(static_cast<std::size_t>(fold.value));
  return trunk < 0 ? 0 : trunks[static_cast<std::size_t>(trunk)].until;
}

TrunkPlan plan_trunks(int k, int repeats, double share, std::int64_t epochs) {
  TrunkPlan plan{.trunk_of = std::vector<int>(static_cast<std::size_t>(k * repeats), -1)};
  if (share <= 0 || epochs < 2) return plan;
  const std::int64_t shared =
      std::clamp<std::int64_t>(std::llround(share * static_cast<double>(epochs)), 1, epochs - 1);
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const int begin = repeat * k, middle = begin + k / 2;
    grow(plan, {.first = begin, .last = middle - 1}, shared);
    grow(plan, {.first = middle, .last = begin + k - 1}, shared);
  }
  return plan;
}

double trunk_cost(const TrunkPlan& plan, std::int64_t epochs) {
  std::int64_t trained = 0;
  for (const Trunk& trunk : plan.trunks) trained += trunk.until - trunk.from;
  const int folds = static_cast<int>(plan.trunk_of.size());
  for (int fold = 0; fold < folds; ++fold) trained += epochs - plan.shared_epochs({fold});
  return static_cast<double>(trained) / static_cast<double>(epochs * folds);
}

// Each job, trunks first, starts as soon as its trunk has ended and a slot is free, as in the job queue.
std::int64_t epochs_until_done(const TrunkPlan& plan, std::int64_t epochs, int slots) {
  struct Job {
    int trunk;  // that it waits for; -1: none
    std::int64_t epochs;
  };
  std::vector<Job> jobs;
  for (const Trunk& trunk : plan.trunks) jobs.push_back({trunk.parent, trunk.until - trunk.from});
  for (int fold = 0; fold < static_cast<int>(plan.trunk_of.size()); ++fold)
    jobs.push_back({plan.trunk_of[static_cast<std::size_t>(fold)], epochs - plan.shared_epochs({fold})});
  std::vector<std::int64_t> ends(jobs.size(), -1);  // -1: not started
  std::multiset<std::int64_t> running;              // their ends
  std::int64_t now = 0;
  for (std::size_t left = jobs.size(); left > 0 || !running.empty();) {
    for (std::size_t j = 0; j < jobs.size() && static_cast<int>(running.size()) < slots; ++j) {
      const int trunk = jobs[j].trunk;
      const std::int64_t ready = trunk < 0 ? 0 : ends[static_cast<std::size_t>(trunk)];
      if (ends[j] >= 0 || ready < 0 || ready > now) continue;
      ends[j] = now + jobs[j].epochs;
      running.insert(ends[j]);
      --left;
    }
    now = *running.begin();
    running.erase(running.begin());
  }
  return *std::max_element(ends.begin(), ends.end());
}

}  // namespace pleat
