// Labels that networks do not learn, or learn in place of the table's (train.labels). Scores keep the table's labels.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "run/dataset.h"

namespace pleat {

struct LabelEdit {
  int target = 0;           // in the target plan
  std::int64_t row = 0;     // of the crops file
  std::int64_t label = -1;  // class to learn; -1: the label is dropped
  double number = 0;       // to learn, of a target with edges; NaN: only the class is known
  double confidence = 0;    // of the table's label, if judges made the edit
  static constexpr auto members() {
    return std::tuple{&LabelEdit::target, &LabelEdit::row, &LabelEdit::label, &LabelEdit::number,
                      &LabelEdit::confidence};
  }
};

/// Reads the files of train.labels. Format: docs/formats.md, Label files. Rows that are no train rows are skipped with
/// a warning. Throws: DataError naming file and line for an unknown id, target or class, or two labels of one row;
/// UsageError for a file that is both drop and relabel and has no column `mark`.
std::vector<LabelEdit> read_label_edits(const LabelsConfig& config, const Dataset& dataset);

/// Changes labels as networks learn them. Edits of single targets change the joint target too.
void apply_edits(const std::vector<LabelEdit>& edits, const Dataset& dataset, std::vector<Labels>& labels);

/// Identifies train.labels and the content of its files, for run.json; empty if there are none.
std::string hash_of_labels(const LabelsConfig& config);

/// "train.labels: 31 labels dropped (age 12, mask 19), 4 changed (gender 4)"; empty without edits.
std::string edits_text(const std::vector<LabelEdit>& edits, const Dataset& dataset);

}  // namespace pleat
