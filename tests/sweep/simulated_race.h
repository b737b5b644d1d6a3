// A race without training: scores and durations are functions of cell and fold, and slots are simulated.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <queue>
#include <set>
#include <vector>

#include "base/random.h"
#include "jobs/job_queue.h"
#include "sweep/race.h"

namespace pleat {

/// Each cell has a quality; each fold adds noise, the same whenever it is asked.
class MadeJudge : public RaceJudge {
 public:
  MadeJudge(std::uint64_t seed, double noise) : seed_(seed), noise_(noise) {}
  double quality(int cell) const { return draw(cell, 1000); }
  double brief_score(int cell) override { return quality(cell) + noise_ * (draw(cell, 2000) - 0.5); }
  double score(int cell, int folds) override {
    double sum = 0;
    for (int fold = 0; fold < folds; ++fold) sum += quality(cell) + noise_ * (draw(cell, fold) - 0.5);
    return sum / folds;
  }
  Interval against(int cell, int leader, int folds) override {
    const double difference = score(cell, folds) - score(leader, folds), half = noise_ / std::sqrt(double(folds));
    return {difference, difference - half, difference + half};
  }

 private:
  double draw(int cell, int what) const {
    return RandomStream({.seed = seed_, .epoch = std::uint32_t(cell), .step = std::uint32_t(what)}).uniform();
  }
  std::uint64_t seed_;
  double noise_;
};

struct SimulatedSlots {
  int slots = 1;
  std::uint64_t seed = 0;    // of the durations
  double failures = 0;       // share of the tasks that fail
  double brief_share = 0.2;  // length of a short schedule
};

struct SimulatedSweep {
  std::vector<Race::Standing> standings;
  std::optional<int> winner;
  std::set<SweepTask> ran;
  double makespan = 0, work = 0;
  double longest_chain = 0;  // of tasks that had to wait for each other: the bound for any number of slots
  bool settled = false;
};

/// Whether a task fails: the same for any number of slots.
inline bool task_fails(const SweepTask& task, std::uint64_t seed, double share) {
  return RandomStream(
             {.seed = seed, .epoch = std::uint32_t(task.cell), .step = std::uint32_t(task.place), .part = task.brief})
             .uniform() < share;
}

/// Runs a race on simulated slots, through the job queue, as the program does.
inline SimulatedSweep simulate(const RaceShape& shape, RaceJudge& judge, const SimulatedSlots& how,
                               std::uint64_t failing_seed = 7) {
  Race race(shape, judge);
  std::vector<SweepTask> tasks;
  if (shape.race && shape.briefs && shape.cells > 2)
    for (int cell = 0; cell < shape.cells; ++cell) tasks.push_back({cell, true, 0});
  for (int place = 0; place < shape.folds; ++place)
    for (int cell = 0; cell < shape.cells; ++cell) tasks.push_back({cell, false, place});
  std::map<SweepTask, int> index;
  for (std::size_t t = 0; t < tasks.size(); ++t) index[tasks[t]] = int(t);
  JobQueue queue(int(tasks.size()));
  for (std::size_t t = 0; t < tasks.size(); ++t)
    if (!tasks[t].brief) queue.hold(int(t));
  SimulatedSweep sweep;
  std::map<SweepTask, double> released;  // when it was wanted
  const auto decide = [&](double now) {
    const Race::Decided decided = race.decide();
    HeldJobs held;
    for (const SweepTask& task : decided.wanted) held.release.push_back(index[task]), released[task] = now;
    for (const SweepTask& task : decided.unwanted) held.drop.push_back(index[task]);
    queue.decide(held);
  };
  decide(0);
  const auto duration = [&](int job) {
    RandomStream random({.seed = how.seed, .sample = std::uint64_t(job)});
    return (tasks[std::size_t(job)].brief ? how.brief_share : 1.0) * (0.8 + 0.4 * random.uniform());
  };
  using End = std::tuple<double, int, int>;  // time, slot, job
  std::priority_queue<End, std::vector<End>, std::greater<>> running;
  std::set<int> free;
  for (int slot = 0; slot < how.slots; ++slot) free.insert(slot);
  double now = 0;
  for (;;) {
    for (const int slot : std::vector<int>(free.begin(), free.end())) {
      const auto job = queue.next(slot);
      if (!job) break;
      free.erase(slot);
      sweep.ran.insert(tasks[std::size_t(*job)]);
      sweep.work += duration(*job);
      running.push({now + duration(*job), slot, *job});
    }
    if (running.empty()) break;
    const auto [time, slot, job] = running.top();
    running.pop();
    now = time;
    free.insert(slot);
    const SweepTask& task = tasks[std::size_t(job)];
    if (task_fails(task, failing_seed, how.failures)) {
      queue.fail(slot, job);
      race.failed(task);
    } else {
      queue.finish(slot, job);
      race.done(task);
    }
    decide(now);
  }
  sweep.makespan = now;
  std::map<int, std::map<double, double>> chains;  // by cell: the longest of the tasks that were wanted at once
  for (const SweepTask& task : sweep.ran) {
    double& longest = chains[task.cell][task.brief ? -1.0 : released[task]];
    longest = std::max(longest, duration(index[task]));
  }
  for (const auto& [cell, chain] : chains) {
    double length = 0;
    for (const auto& [when, longest] : chain) length += longest;
    sweep.longest_chain = std::max(sweep.longest_chain, length);
  }
  sweep.settled = queue.settled() && race.over();
  if (!sweep.settled) return sweep;
  sweep.standings = race.standings();
  sweep.winner = race.winner();
  return sweep;
}

}  // namespace pleat
