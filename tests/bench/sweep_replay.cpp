// Replays races over a full grid's stored results, with other orders of the folds, and trains nothing:
//   sweep_replay CONFIG.yaml FOLDER REPLAYS --axis KEY=VALUES...
// FOLDER is a sweep with sweep.strategy: full and sweep.keep: all or scores; its folder `short` must hold each cell's
// run with the short schedule on all folds. Prints for each order the race's choice, its difference to the full grid's
// best cell on all rows, and the race's share of the grid's training images.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <string>

#include "cluster/mpi_session.h"
#include "sweep/cell_scores.h"
#include "sweep/race.h"

namespace pleat {
namespace {

// Feeds the race with stored results until it is over.
void replay(Race& race) {
  while (!race.over()) {
    const Race::Decided decided = race.decide();
    for (const SweepTask& task : decided.wanted) race.done(task);
  }
}

int run(int argc, char** argv) {
  MpiSession session;
  SweepRequest request;
  request.train.config = argv[1];
  request.train.run = argv[2];
  const int replays = std::atoi(argv[3]);
  for (int i = 5; i < argc; i += 2) request.axes.emplace_back(argv[i]);
  spdlog::set_level(spdlog::level::warn);
  SweepPlan plan = plan_sweep(request, session);
  const int cells = plan.shape.cells, folds = plan.shape.folds;
  const double brief_share =
      double(plan.trials.front().brief.config.train.epochs) / double(plan.trials.front().full.config.train.epochs);
  CellScores whole(plan);
  Race grid({.cells = cells, .folds = folds, .race = false}, whole);
  replay(grid);
  const int best = *grid.winner();
  fmt::print("full grid: best {} ({:.4f})\n", plan.trials[std::size_t(best)].name, whole.score(best, folds));
  int found = 0, same = 0;
  double most = 0, sum = 0;
  for (int seed = 1; seed <= replays; ++seed) {
    plan.fold_order = draw_fold_order(*plan.trials.front().full.plan, std::uint64_t(seed));
    CellScores scores(plan);
    Race race(plan.shape, scores);
    for (int cell = 0; cell < cells && plan.shape.briefs; ++cell) race.done({cell, true, 0});
    replay(race);
    const int chosen = *race.winner();
    const Interval difference = scores.against(chosen, best, folds);
    double cost = plan.shape.briefs ? cells * brief_share : 0;
    for (const Race::Standing& standing : race.standings()) cost += standing.folds;
    const double share = cost / double(cells * folds);
    same += chosen == best;
    found += chosen == best || difference.high >= 0;
    most = std::max(most, share);
    sum += share / replays;
    fmt::print("order {:2}: {:24} {:+.4f} ({:+.4f} to {:+.4f}), {:.3f} of the images{}\n", seed,
               plan.trials[std::size_t(chosen)].name, difference.value, difference.low, difference.high, share,
               chosen == best         ? ", the best"
               : difference.high >= 0 ? ", equal to the best"
                                      : ", WORSE");
  }
  fmt::print(
      "{} of {} replays find the best cell or an equal one ({} the best); images {:.3f} on average, {:.3f} at most\n",
      found, replays, same, sum, most);
  return 0;
}

}  // namespace
}  // namespace pleat

int main(int argc, char** argv) {
  if (argc < 6) {
    fmt::print(stderr, "sweep_replay CONFIG.yaml FOLDER REPLAYS --axis KEY=VALUES...\n");
    return 2;
  }
  return pleat::run(argc, argv);
}
