#include "rounds/lesson.h"

#include <unordered_map>

#include "jobs/job_key.h"
#include "run/job_identity.h"

namespace pleat {
namespace {

template <class T>
void append(std::vector<T>& to, const std::vector<T>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

void teach(const Lesson& lesson, FoldJob& work) {
  const std::size_t labelled = work.train_rows.size();
  append(work.train_rows, lesson.rows);
  for (std::size_t h = 0; h < work.heads.size(); ++h) {
    Head& head = work.heads[h];
    const HeadLesson& taught = lesson.heads[h];
    append(head.labels, taught.labels);
    append(head.numbers, taught.numbers);
    head.weights.resize(labelled, 1.0F);  // those of train.labels stay
    append(head.weights, taught.weights);
    head.soft = taught.soft;
  }
  work.pseudo.rows = lesson.rows.size();
  work.pseudo.initial_weights = lesson.initial_weights;
}

// Leaves out the rows to label that belong to other parts.
void predict_own_part(int part, const LabelRows& label_rows, PlannedJob& job) {
  std::unordered_map<std::int64_t, int> part_of;
  for (std::size_t i = 0; i < label_rows.rows.size(); ++i) part_of.emplace(label_rows.rows[i], label_rows.part_of[i]);
  const auto other = [&](std::int64_t row) {
    const auto found = part_of.find(row);
    return found != part_of.end() && found->second != part;
  };
  const std::vector<std::int64_t> all = std::move(job.work.predict_rows);
  job.work.predict_rows.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(job.held_out_rows));
  std::size_t next = job.held_out_rows;
  for (std::size_t* count : {&job.test_rows, &job.unlabelled_rows}) {
    const std::size_t end = next + *count;
    for (*count = 0; next < end; ++next) {
      if (other(all[next])) continue;
      job.work.predict_rows.push_back(all[next]);
      ++*count;
    }
  }
}

}  // namespace

PlannedJob student_of(const PlannedJob& base, const ScheduledJob& scheduled, const Lesson& lesson,
                      const RunConfig& config, const Dataset& dataset, const LabelRows& label_rows) {
  PlannedJob job = base;
  job.round = scheduled.round, job.part = scheduled.part;
  job.name = scheduled.name;
  job.work.random.round = static_cast<std::uint32_t>(scheduled.round);
  job.work.pseudo.augment = config.rounds.augment;
  job.work.shared = {};  // the folds of a trunk have different teachers
  if (config.rounds.epochs > 0) job.work.train.epochs = config.rounds.epochs;
  teach(lesson, job.work);
  if (scheduled.part >= 0) predict_own_part(scheduled.part, label_rows, job);
  job.work.key = job_key(job_identity(config, dataset, job));
  return job;
}

}  // namespace pleat
