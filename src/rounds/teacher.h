// Pseudo-labels for the next round, from the finished models of a round: a pure function of the run's folder.
//
// Leak rule: with teacher: own_fold, the labels for fold k's students depend on predictions of fold k's models and on
// labels of fold k's training side, and on nothing else. Fold k's models of all rounds therefore never depend on fold
// k's labels. tests/faults/leak_test.py permutes these labels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ensemble/admit.h"
#include "ensemble/group_evidence.h"
#include "rounds/judges.h"
#include "rounds/label_rows.h"
#include "rounds/lesson.h"
#include "run/run_setup.h"

namespace pleat {

/// The labels of one target for one fold's students.
struct TargetLabels {
  int target = 0;
  Belief belief;  // of all rows to label
  Admitted admitted;
  std::vector<float> weights;  // of all rows; 0: not admitted
  torch::Tensor numbers;       // [rows] float64 predicted numbers; undefined unless trained as a number
};

/// The labels that the models of `round` give the rows to label, for the students of the unit's fold `fold` in the next
/// round: for each target of the unit.
///   base: the first round's job of that unit and fold, of any model; labels: that its networks learn
/// Requires: the teachers' jobs are done.
std::vector<TargetLabels> make_labels(const Run& run, int round, const PlannedJob& base,
                                      const std::vector<Labels>& labels, const LabelRows& label_rows);

/// The lesson of one student from its fold's labels.
///   scheduled: the student; its teacher's weights are read from the folder for rounds.start: warm
/// Throws: kSomeFailed if no row is admitted for a target, or if all admitted rows have one class.
Lesson make_lesson(const Run& run, const ScheduledJob& scheduled, const PlannedJob& base,
                   const std::vector<TargetLabels>& labels, const LabelRows& label_rows);

/// pseudo_labels.csv of a round: one line per fold, target and admitted row. Format: docs/formats.md.
///   judged: the labels that the first round learned; first: its jobs, before the judges' edits
std::string pseudo_labels_csv(const Run& run, int round, JudgedLabels& judged, const std::vector<PlannedJob>& first,
                              const LabelRows& label_rows);

}  // namespace pleat
