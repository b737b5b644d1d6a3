// The pseudo-labels that a student learns beside the labelled rows of its fold. Rank 0 makes them and sends them to the
// student's slot.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "rounds/label_rows.h"
#include "rounds/schedule.h"
#include "run/label_edits.h"

namespace pleat {

/// The pseudo-labels of one head. A row that was not admitted for this head has weight 0.
struct HeadLesson {
  std::vector<std::int64_t> labels;  // training class of each row
  std::vector<float> weights;
  std::vector<float> soft;      // [rows, outputs] (Head::soft), or empty
  std::vector<double> numbers;  // for a target trained as a number
  static constexpr auto members() {
    return std::tuple{&HeadLesson::labels, &HeadLesson::weights, &HeadLesson::soft, &HeadLesson::numbers};
  }
};

struct Lesson {
  std::vector<std::int64_t> rows;  // of the crops file, ascending
  std::vector<HeadLesson> heads;
  std::string initial_weights;  // with rounds.start: warm
  static constexpr auto members() { return std::tuple{&Lesson::rows, &Lesson::heads, &Lesson::initial_weights}; }
};

/// Sent with a job: everything that its slot does not know from the plan.
struct Brief {
  std::vector<LabelEdit> edits;  // of judges
  Lesson lesson;                 // of a student
  std::string trunk;             // state of the trunk that the job continues
  static constexpr auto members() { return std::tuple{&Brief::edits, &Brief::lesson, &Brief::trunk}; }
};

/// The student's job, key included: the first round's job with the lesson, without a trunk. Its rows set aside
/// (inner_rows) are the same in all rounds, so no model of the fold was ever trained on them. With rounds.parts it
/// predicts, of the rows to label, only those of its own part.
PlannedJob student_of(const PlannedJob& base, const ScheduledJob& scheduled, const Lesson& lesson,
                      const RunConfig& config, const Dataset& dataset, const LabelRows& label_rows);

}  // namespace pleat
