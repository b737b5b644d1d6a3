// The job queue and the race on simulated slots: 512 slots, 10,000 trainings, some of which fail.
//   bench_queue [CELLS FOLDS SLOTS]
// The bound on the makespan is the larger of: the work done over the slots; the longest chain of trainings that have to
// wait for each other (a short schedule, then one fold after another).
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

#include "sweep/simulated_race.h"

namespace pleat {
namespace {

void measure(const char* name, const RaceShape& shape, const SimulatedSlots& slots) {
  using Clock = std::chrono::steady_clock;
  MadeJudge judge(11, 0.2);
  const Clock::time_point start = Clock::now();
  const SimulatedSweep sweep = simulate(shape, judge, slots);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const double bound = std::max(sweep.work / slots.slots, sweep.longest_chain);
  fmt::print(
      "{:6} {:5} cells x {:2} folds, {:3.0f} % fail, {:3} slots: {} trainings, {}; makespan {:.2f}, bound {:.2f} (work "
      "{:.2f}, chain {:.2f}): {:.3f}; {:.0f} decisions/s\n",
      name, shape.cells, shape.folds, 100 * slots.failures, slots.slots, sweep.ran.size(),
      sweep.settled ? "all settled" : "NOT SETTLED", sweep.makespan, bound, sweep.work / slots.slots,
      sweep.longest_chain, sweep.makespan / bound, double(sweep.ran.size()) / seconds);
}

}  // namespace
}  // namespace pleat

int main(int argc, char** argv) {
  using namespace pleat;
  const int cells = argc > 1 ? std::atoi(argv[1]) : 2000, folds = argc > 2 ? std::atoi(argv[2]) : 5;
  const int slots = argc > 3 ? std::atoi(argv[3]) : 512;
  for (const double failures : {0.0, 0.05}) {
    measure("grid", {.cells = cells, .folds = folds, .race = false}, {.slots = slots, .seed = 1, .failures = failures});
    measure("race", {.cells = cells, .folds = folds}, {.slots = slots, .seed = 1, .failures = failures});
    measure("race", {.cells = cells * 5, .folds = folds}, {.slots = slots, .seed = 1, .failures = failures});
  }
}
