// Scores of whole rounds, and the decision whether to go on: a pure function of the run's folder.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "rounds/gather.h"
#include "rounds/rounds_plan.h"

namespace pleat {

/// All targets of a round.
///   units: which units to gather; others, and the targets derived from them, are left out
std::vector<GatheredTarget> gather_round(const Run& run, int round, const std::vector<bool>& units);

/// The score that rounds are compared by, higher is better: the cross-fitted out-of-fold score of the joint target if
/// there is one, else the mean over the targets.
double score_of_round(const Run& run, const std::vector<GatheredTarget>& gathered);

/// Remembers scores, since a round is asked for once per job.
class RoundScores {
 public:
  explicit RoundScores(const Run& run) : run_(run) {}

  /// Requires: all jobs of the round are done.
  double of(int round);
  /// True if the round scores higher than the one before.
  bool better(int round) { return of(round) > of(round - 1); }
  /// True if the rounds end before `round`: with rounds.stop: not_better, once a round was not better.
  /// Requires: all jobs of the rounds before are done.
  bool ended_before(int round);

 private:
  const Run& run_;
  std::map<int, double> scores_;
};

}  // namespace pleat
