// The plan of shared trunks (folds.trunks). A trunk is a training that the networks of several folds continue.
// Source: TreeCV, Joulani et al. 2015, arXiv 1507.00066, for incremental learners.
#pragma once

#include <cstdint>
#include <vector>

#include "folds/fold_plan.h"

namespace pleat {

/// A trunk trains on no row that one of its folds holds out. So no network descends from one that saw its held-out
/// fold.
struct Trunk {
  int first = 0, last = 0;           // its folds, as FoldId; of one repeat
  int parent = -1;                   // index of the trunk that it continues, which has more folds; -1: none
  std::int64_t from = 0, until = 0;  // the epochs that it trains, [from, until)

  int folds() const { return last - first + 1; }
};

struct TrunkPlan {
  std::vector<Trunk> trunks;  // parents first
  std::vector<int> trunk_of;  // per fold of all repeats: index of the trunk that its network continues; -1: none

  /// The epochs before the fold's network trains on its own.
  std::int64_t shared_epochs(FoldId fold) const;
};

/// The share of folds.trunks: auto.
inline constexpr double kAutoTrunkShare = 0.5;

/// Halves the folds of each repeat until two or three share a trunk. Every fold's network shares `share` of the epochs,
/// rounded, at least one and not all of them; the trunks on the way share these epochs evenly. A fold that is alone in
/// its half has no trunk. Depends on no rank: results must not.
///   share: above 0, below 1; 0: no trunks
TrunkPlan plan_trunks(int k, int repeats, double share, std::int64_t epochs);

/// Images that the plan trains on, as a share of those without trunks.
double trunk_cost(const TrunkPlan& plan, std::int64_t epochs);

/// Epochs from the first job's start to the last one's end, if `slots` jobs run at once and each epoch takes equally
/// long.
std::int64_t epochs_until_done(const TrunkPlan& plan, std::int64_t epochs, int slots);

}  // namespace pleat
