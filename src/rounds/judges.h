// train.labels: auto. Judges are networks that find suspect labels for the networks of each fold.
//
// The judge of folds j and k trains on neither of them, and predicts both. The networks of fold k learn the rows of the
// other folds; a row of fold j is judged by the judge of j and k, which saw neither the row nor a label of fold k. So
// nothing that fold k's networks learn depends on fold k's labels.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "run/label_edits.h"
#include "run/run_setup.h"

namespace pleat {

/// The judges of each unit, one for each pair of folds of a repeat, with the first of config.models; none unless
/// train.labels is auto.
///   labels: of each target, as the judges learn them
std::vector<PlannedJob> plan_judges(const Run& run, const std::vector<Labels>& labels);

/// True if the networks of the fold wait for the judge.
inline bool judges_for(const PlannedJob& judge, int unit, FoldId fold) {
  return judge.unit == unit && (judge.fold == fold || judge.judged_fold == fold.value);
}

/// The edits for the networks of a unit's fold: suspect labels of groups where all rows of each group have one label,
/// of rows elsewhere. Requires: the judges of the fold are done.
std::vector<LabelEdit> judge_labels(const Run& run, const std::vector<PlannedJob>& judges,
                                    const std::vector<Labels>& labels, int unit, FoldId fold);

/// The labels with these edits.
std::vector<Labels> edited_labels(const Run& run, std::vector<Labels> labels, const std::vector<LabelEdit>& edits);

/// The job of a fold with these labels, key included.
///   base: with other labels
PlannedJob relabelled_job(const Run& run, const std::vector<Labels>& labels, const PlannedJob& base);

/// The labels that each fold's networks learn, after the judges' edits. Reads the judges once for each unit and fold.
class JudgedLabels {
 public:
  ///   labels: of each target, before the edits
  JudgedLabels(const Run& run, const std::vector<PlannedJob>& judges, const std::vector<Labels>& labels)
      : run_(run), judges_(judges), labels_(labels) {}

  /// Empty without judges. Requires: the judges of the fold are done.
  const std::vector<LabelEdit>& edits(int unit, FoldId fold);
  std::vector<Labels> labels(int unit, FoldId fold);
  PlannedJob job(const PlannedJob& base);

 private:
  const Run& run_;
  const std::vector<PlannedJob>& judges_;
  const std::vector<Labels>& labels_;
  std::map<std::pair<int, int>, std::vector<LabelEdit>> edits_;  // by unit and fold
};

/// label_edits.csv: the edits for each fold's networks. Format: docs/formats.md.
///   labels: before the edits
std::string label_edits_csv(const Run& run, JudgedLabels& judged, const std::vector<Labels>& labels);
inline constexpr const char* kLabelEditsHeader = "target,id,fold,given,label,confidence\n";

}  // namespace pleat
