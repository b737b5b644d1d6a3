#include "rounds/round_scores.h"

namespace pleat {

std::vector<GatheredTarget> gather_round(const Run& run, int round, const std::vector<bool>& units) {
  const RoundSource source{run.config, *run.dataset, run.paths, round};
  std::vector<GatheredTarget> gathered;
  for (std::size_t u = 0; u < units.size(); ++u) {
    if (!units[u]) continue;
    for (GatheredTarget& target : gather_unit(static_cast<int>(u), *run.plan, source))
      gathered.push_back(std::move(target));
  }
  add_derived(*run.dataset, gathered);
  return gathered;
}

double score_of_round(const Run& run, const std::vector<GatheredTarget>& gathered) {
  const bool joint = run.dataset->targets.joint.has_value();
  double sum = 0;
  for (const GatheredTarget& target : gathered) {
    const double each = score_by_name(score(target.oof.ensemble, target.oof.labels), run.config.score);
    if (joint && target.target == static_cast<int>(run.dataset->targets.own())) return each;
    sum += each / static_cast<double>(gathered.size());
  }
  return sum;
}

double RoundScores::of(int round) {
  const auto found = scores_.find(round);
  if (found != scores_.end()) return found->second;
  const std::vector<bool> all(run_.dataset->targets.units.size(), true);
  return scores_[round] = score_of_round(run_, gather_round(run_, round, all));
}

bool RoundScores::ended_before(int round) {
  if (run_.config.rounds.stop == "never") return false;
  for (int earlier = 1; earlier < round; ++earlier) {
    if (!better(earlier)) return true;
  }
  return false;
}

}  // namespace pleat
