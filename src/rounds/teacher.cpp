#include "rounds/teacher.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"
#include "data/sample_table.h"
#include "ensemble/blend.h"
#include "rounds/fold_predictions.h"
#include "rounds/gather.h"
#include "rounds/row_belief.h"
#include "run/finished_job.h"

namespace pleat {
namespace {

// One target's predictions for the rows to label.
struct Predictions {
  torch::Tensor probs;   // [rows, C] float64
  torch::Tensor normal;  // [rows, 2], or undefined
};

// Picks the rows to label out of the tables of unlabelled and test rows.
torch::Tensor picked(const torch::Tensor& unlabelled, const torch::Tensor& test, const Dataset& dataset,
                     const LabelRows& label_rows) {
  if (label_rows.rows == dataset.unlabelled) return unlabelled;
  std::unordered_map<std::int64_t, std::int64_t> place_of;
  for (const std::vector<std::int64_t>* rows : {&dataset.unlabelled, &dataset.test}) {
    for (const std::int64_t row : *rows) place_of.emplace(row, static_cast<std::int64_t>(place_of.size()));
  }
  std::vector<std::int64_t> places;
  for (const std::int64_t row : label_rows.rows) places.push_back(place_of.at(row));
  std::vector<torch::Tensor> tables;
  for (const torch::Tensor& table : {unlabelled, test}) {
    if (table.defined()) tables.push_back(table);
  }
  return tables.empty() ? torch::Tensor() : at::cat(tables).index_select(0, at::tensor(places, at::kLong));
}

// The mean over the fold's own models. Their weights in the ensemble are fitted to this fold's labels too, and so must
// not be used.
Predictions own_fold(const Run& run, int round, const Unit& unit, int target, FoldId fold,
                     const LabelRows& label_rows) {
  const RoundSource source{run.config, *run.dataset, run.paths, round};
  std::vector<torch::Tensor> probs, normals;
  for (const ModelConfig& model : run.config.models) {
    const FoldPredictions made = read_fold(source, unit, target, model.id, fold);
    probs.push_back(picked(made.unlabelled, made.test, *run.dataset, label_rows));
    const torch::Tensor normal = picked(made.unlabelled_normal, made.test_normal, *run.dataset, label_rows);
    if (normal.defined()) normals.push_back(normal);
  }
  return {mean_probs(probs), normals.empty() ? torch::Tensor() : mix_normals(normals)};
}

std::vector<Predictions> teacher_predictions(const Run& run, int round, const PlannedJob& base,
                                             const LabelRows& label_rows) {
  const Unit& unit = run.dataset->targets.units[std::size_t(base.unit)];
  std::vector<Predictions> all;
  if (run.config.rounds.teacher == "shared") {
    const RoundSource source{run.config, *run.dataset, run.paths, round};
    for (const GatheredTarget& gathered : gather_unit(base.unit, *run.plan, source))
      all.push_back({picked(gathered.unlabelled, gathered.test, *run.dataset, label_rows),
                     picked(gathered.unlabelled_normal, gathered.test_normal, *run.dataset, label_rows)});
    return all;
  }
  for (const int target : unit.targets) all.push_back(own_fold(run, round, unit, target, base.fold, label_rows));
  return all;
}

// Rows that share their label are admitted together.
RowGroups blocks_of(const Run& run, int target, const LabelRows& label_rows) {
  if (run.config.rounds.constant(run.dataset->targets.targets[std::size_t(target)].name)) return label_rows.groups;
  RowGroups each;
  for (std::int64_t row = 0; row <= label_rows.count(); ++row) {
    each.begin.push_back(row);
    if (row < label_rows.count()) each.rows.push_back(row);
  }
  return each;
}

std::vector<double> class_shares(const Head& head, int classes) {
  std::vector<double> shares(static_cast<std::size_t>(classes));
  double sum = 0;
  for (std::size_t row = 0; row < head.labels.size(); ++row) {
    const double weight = head.weights.empty() ? 1 : head.weights[row];  // 0: a dropped label
    shares[std::size_t(head.labels[row])] += weight;
    sum += weight;
  }
  for (double& share : shares) share /= std::max(sum, 1.0);
  return shares;
}

using NoLesson = ErrorOf<ExitCode::kSomeFailed>;  // the round before stays the result

void require_a_lesson(const Run& run, const PlannedJob& base, const TargetLabels& labels) {
  const Target& target = run.dataset->targets.targets[std::size_t(labels.target)];
  const std::string who = fmt::format("target {}, fold {}", target.name, base.fold.value);
  if (labels.admitted.count == 0) {
    throw NoLesson(
        "{}: none of the {} rows to label has a pseudo-label that rounds.admit lets in; lower rounds.admit.threshold, "
        "or set rounds.admit.adaptive",
        who, labels.belief.rows());
  }
  std::int64_t only = -1;
  for (std::int64_t row = 0; row < labels.belief.rows(); ++row) {
    if (!labels.admitted.rows[std::size_t(row)]) continue;
    const auto label = labels.belief.labels.const_data_ptr<std::int64_t>()[row];
    if (only >= 0 && label != only) return;
    only = label;
  }
  throw NoLesson(
      "{}: all {} pseudo-labels that rounds.admit lets in are of the class '{}', so students would forget the others; "
      "lower rounds.admit.threshold, or set rounds.admit.adaptive or quotas",
      who, labels.admitted.count, shown(target.classes[std::size_t(only)]));
}

// The predicted numbers; those of a group are its mean if the target is constant in it.
torch::Tensor numbers_of_rows(const torch::Tensor& normal, const RowGroups& blocks) {
  if (!normal.defined()) return {};
  const torch::Tensor numbers = normal.select(1, 0).to(at::kDouble).clone();
  auto* values = numbers.data_ptr<double>();
  for (std::int64_t block = 0; block < blocks.count(); ++block) {
    double sum = 0;
    for (std::int64_t i = 0; i < blocks.size(block); ++i) sum += values[blocks.first(block)[i]];
    for (std::int64_t i = 0; i < blocks.size(block); ++i)
      values[blocks.first(block)[i]] = sum / static_cast<double>(blocks.size(block));
  }
  return numbers;
}

// The probabilities of a row's classes, at the temperature, or its label with certainty.
std::vector<double> taught_probs(const RoundsConfig& rounds, const Belief& belief, std::int64_t row) {
  const auto classes = static_cast<std::size_t>(belief.classes());
  std::vector<double> probs(classes);
  if (rounds.labels == "hard") {
    probs[std::size_t(belief.labels.const_data_ptr<std::int64_t>()[row])] = 1;
    return probs;
  }
  double sum = 0;
  for (std::size_t c = 0; c < classes; ++c) {
    const double given = belief.probs.const_data_ptr<double>()[std::size_t(row) * classes + c];
    sum += probs[c] = std::pow(std::max(given, 1e-12), 1 / rounds.temperature);
  }
  for (double& each : probs) each /= sum;
  return probs;
}

// A group is never on both sides of a fold: rows of a group that the fold holds out are not taught to its students.
//   inside: by crop row, the fold's training side
void leave_out_held_out_groups(const LabelRows& label_rows, const std::vector<bool>& inside, Admitted& admitted) {
  for (const LabelRows::Labelled& labelled : label_rows.labelled) {
    if (inside[std::size_t(labelled.row)]) continue;
    for (std::int64_t i = 0; i < label_rows.groups.size(labelled.group); ++i) {
      const auto place = static_cast<std::size_t>(label_rows.groups.first(labelled.group)[i]);
      if (admitted.rows[place]) --admitted.count;
      admitted.rows[place] = false;
    }
  }
}

// A distribution over the outputs. A class of a target with bins is spread over its bins, which hold equally many
// training rows, by its share of each.
void append_soft(const TargetCode& code, const std::vector<double>& probs, std::vector<float>& soft) {
  if (code.teaching == Teaching::kClasses) {
    for (const double each : probs) soft.push_back(static_cast<float>(each));
    return;
  }
  std::vector<double> of_class(probs.size());
  for (const auto& bin : code.shares) {
    for (std::size_t c = 0; c < probs.size(); ++c) of_class[c] += bin[c];
  }
  for (const auto& bin : code.shares) {
    double sum = 0;
    for (std::size_t c = 0; c < probs.size(); ++c) sum += of_class[c] > 0 ? probs[c] * bin[c] / of_class[c] : 0;
    soft.push_back(static_cast<float>(sum));
  }
}

}  // namespace

std::vector<TargetLabels> make_labels(const Run& run, int round, const PlannedJob& base,
                                      const std::vector<Labels>& taught, const LabelRows& label_rows) {
  const Unit& unit = run.dataset->targets.units[std::size_t(base.unit)];
  const std::vector<Predictions> predicted = teacher_predictions(run, round, base, label_rows);
  const std::vector<bool> inside = training_side(run, base.fold);
  const KnownLabels known{taught, inside};
  const RoundsConfig& rounds = run.config.rounds;
  std::vector<TargetLabels> all;
  for (std::size_t h = 0; h < unit.targets.size(); ++h) {
    const int target = unit.targets[h];
    TargetLabels& labels = all.emplace_back(
        TargetLabels{.target = target, .belief = believe(run, target, predicted[h].probs, label_rows, known)});
    const RowGroups blocks = blocks_of(run, target, label_rows);
    const int classes = run.dataset->targets.targets[std::size_t(target)].size();
    labels.admitted = admit_rows(labels.belief, blocks, rounds.admit, class_shares(base.work.heads[h], classes));
    leave_out_held_out_groups(label_rows, inside, labels.admitted);
    labels.weights = pseudo_weights(labels.belief, labels.admitted, rounds.weight);
    labels.numbers = numbers_of_rows(predicted[h].normal, blocks);
  }
  return all;
}

Lesson make_lesson(const Run& run, const ScheduledJob& scheduled, const PlannedJob& base,
                   const std::vector<TargetLabels>& labels, const LabelRows& label_rows) {
  for (const TargetLabels& each : labels) require_a_lesson(run, base, each);
  const RoundsConfig& rounds = run.config.rounds;
  Lesson lesson{.heads = std::vector<HeadLesson>(labels.size())};
  for (std::int64_t row = 0; row < label_rows.count(); ++row) {
    const auto place = static_cast<std::size_t>(row);
    if (scheduled.part >= 0 && label_rows.part_of[place] == scheduled.part) continue;
    if (std::none_of(labels.begin(), labels.end(), [&](const TargetLabels& each) { return each.weights[place] > 0; }))
      continue;
    lesson.rows.push_back(label_rows.rows[place]);
    for (std::size_t h = 0; h < labels.size(); ++h) {
      HeadLesson& head = lesson.heads[h];
      const TargetCode& code = base.work.heads[h].code;
      head.labels.push_back(labels[h].belief.labels.const_data_ptr<std::int64_t>()[row]);
      head.weights.push_back(labels[h].weights[place]);
      if (code.teaching == Teaching::kNumber)
        head.numbers.push_back(labels[h].numbers.const_data_ptr<double>()[row]);
      else if (code.teaching == Teaching::kBins || rounds.labels == "soft")
        append_soft(code, taught_probs(rounds, labels[h].belief, row), head.soft);
    }
  }
  if (rounds.start == "warm") {
    const Unit& unit = run.dataset->targets.units[std::size_t(base.unit)];
    const int part = scheduled.round == 1 ? -1 : scheduled.part;
    lesson.initial_weights =
        read_file(run.paths.fold(scheduled.round - 1, unit.name, base.work.model.id, base.fold, part) / kWeightsFile);
  }
  return lesson;
}

std::string pseudo_labels_csv(const Run& run, int round, JudgedLabels& judged, const std::vector<PlannedJob>& first,
                              const LabelRows& label_rows) {
  std::string text = "id,fold,target,label,confidence,weight,evidence,teacher\n";
  for (const PlannedJob& base : first) {
    if (base.model != 0) continue;  // the labels are the same for all models
    const std::vector<Labels> taught = judged.labels(base.unit, base.fold);
    for (const TargetLabels& labels : make_labels(run, round, judged.job(base), taught, label_rows)) {
      const Target& target = run.dataset->targets.targets[std::size_t(labels.target)];
      for (std::int64_t row = 0; row < label_rows.count(); ++row) {
        const auto place = static_cast<std::size_t>(row);
        if (labels.weights[place] == 0) continue;
        const auto label = labels.belief.labels.const_data_ptr<std::int64_t>()[row];
        text += fmt::format("{},{},{},{},{:.6f},{:.6g},{},{}\n", csv_field(run.dataset->id(label_rows.rows[place])),
                            base.fold.value, csv_field(target.name), csv_field(target.classes[std::size_t(label)]),
                            labels.belief.confidence(row), labels.weights[place],
                            name_of(labels.belief.evidence[place]), run.config.rounds.teacher);
      }
    }
  }
  return text;
}

}  // namespace pleat
