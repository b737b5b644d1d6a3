// Decides which trainings a sweep needs. A pure state machine: what it decides depends on results alone, never on the
// order in which they arrive, so any number of slots makes the same decisions.
#pragma once

#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "ensemble/resample.h"

namespace pleat {

/// One training of a cell: with the short schedule, or with the full one on the fold at `place` in the order of folds.
struct SweepTask {
  int cell = 0;
  bool brief = false;  // the short schedule, on the first fold
  int place = 0;
  auto operator<=>(const SweepTask&) const = default;
};

struct RaceShape {
  int cells = 0, folds = 0;
  bool race = true;    // false: all cells on all folds
  bool briefs = true;  // false: no short schedules, since they would not be shorter
};

/// Answers the race's questions about results. Each answer is a function of the results alone. More is better.
class RaceJudge {
 public:
  virtual ~RaceJudge() = default;
  virtual double brief_score(int cell) = 0;
  /// On the rows of the first `folds` folds, pooled.
  virtual double score(int cell, int folds) = 0;
  /// The cell's score less the leader's on the rows of the first `folds` folds, with its 95 % interval.
  virtual Interval against(int cell, int leader, int folds) = 0;
};

/// Rungs: 1, all cells with the short schedule on the first fold. 2, the best third (at least 2) on that fold. 3, the
/// best half of these (at least 2) on the other folds, one by one. After each fold a cell is dropped if the whole
/// interval of its difference to the leader is below 0. The leader is the cell that led before that fold, so a decision
/// needs the results before the fold and two of the fold, not those of all cells.
class Race {
 public:
  Race(const RaceShape& shape, RaceJudge& judge);

  void done(const SweepTask& task);
  void failed(const SweepTask& task);

  struct Decided {
    std::vector<SweepTask> wanted, unwanted;
  };
  /// The tasks that are decided since the last call.
  Decided decide();
  /// At most so many undecided tasks with the full schedule will be wanted.
  int undecided() const;
  /// Every task is decided, and every wanted one is done or failed.
  bool over() const;

  struct Standing {
    int rung = 1;                    // the last rung that the cell was in
    int folds = 0;                   // folds done with the full schedule, of those that count
    bool brief = false;              // the short schedule is done
    bool failed = false;             // a task failed
    bool complete = false;           // done on all folds, by this race or before
    std::optional<Interval> behind;  // the difference for which it was dropped
    int leader = -1;                 // the cell that it was behind
  };
  /// Of each cell. A cell whose folds are all done is complete, also if the race would not have wanted them: they were
  /// trained by a narrower sweep, say. Requires: over().
  std::vector<Standing> standings() const;
  /// The complete cell with the best score; the first of equal ones. None if no cell is complete. Requires: over().
  std::optional<int> winner() const;

  /// At most so many tasks of each kind are wanted: short schedules, full ones on the first fold, and on the others.
  struct Most {
    int briefs = 0, first = 0, others = 0;
  };
  static Most most(const RaceShape& shape);

 private:
  enum class Sure { kUnknown, kIn, kOut };
  enum class Result { kNone, kDone, kFailed };
  using Members = std::vector<Sure>;

  Result result(const SweepTask& task) const;
  double score(int cell, int folds) const;
  const Interval& against(int cell, int leader, int folds) const;
  Members best_of(const Members& from, int most, const std::vector<Result>& results,
                  const std::vector<double>& scores) const;
  std::optional<std::vector<int>> order_before(int place) const;
  std::optional<int> leader_of(int place) const;
  Sure survives(int cell, int place, const std::optional<int>& leader) const;
  Members members_of(int place) const;

  std::size_t index_of(const SweepTask& task) const;
  void record(const SweepTask& task, Result result);

  RaceShape shape_;
  RaceJudge& judge_;
  std::vector<Result> results_;                                        // by index_of
  std::vector<Members> members_;                                       // by place: the cells that train on that fold
  std::vector<Members> decided_;                                       // as returned by decide()
  int changed_from_ = 0;                                               // members_ of earlier places hold all results
  mutable std::vector<std::optional<double>> scores_;                  // of each result
  mutable std::map<std::tuple<int, int, int>, Interval> differences_;  // by cell, leader, folds
};

}  // namespace pleat
