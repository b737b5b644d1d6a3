#include "run/job_plan.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "folds/group_part.h"
#include "jobs/job_key.h"
#include "run/job_identity.h"
#include "run/model_norm.h"
#include "train/epoch_cut.h"

namespace pleat {
namespace {

// Without a size to grow from, the option would silently have no effect.
void check_progressive(const ProgressiveConfig& progressive, const ImageShape& shape) {
  const int side = std::min(shape.height, shape.width);
  if (progressive.delay > progressive.until) {
    throw UsageError(
        "train.progressive.delay ({}) must be at most train.progressive.until ({}); lower it, or raise until",
        progressive.delay, progressive.until);
  }
  if (progressive.from < side) return;
  throw UsageError(
      "train.progressive.from ({}) must be less than the shorter side of the crops ({} x {} pixels); lower it, or "
      "leave it out",
      progressive.from, shape.height, shape.width);
}

// A shifted image would be black.
void check_shift(const PredictConfig& predict, const ImageShape& shape) {
  if (predict.shift < std::min(shape.height, shape.width)) return;
  throw UsageError(
      "predict.shift ({}) must be less than the shorter side of the crops ({} x {} pixels); lower it, or leave it out",
      predict.shift, shape.height, shape.width);
}

void check_parts(const FoldJob& job, const std::string& name) {
  const std::int64_t steps = steps_of_epoch(job.epoch_rows(), job.train, 0);
  const std::int64_t smallest = job.epoch_rows() / steps / job.train.micro_batches;
  if (smallest >= (job.files.batch_norm ? 2 : 1)) return;
  throw UsageError(
      "{}: {} training rows in {} batches of {} parts leave parts of {} rows, but {}; raise "
      "train.batch ({}) or lower train.micro_batches ({})",
      name, job.epoch_rows(), steps, job.train.micro_batches, smallest,
      job.files.batch_norm ? "BatchNorm needs two" : "each needs one", job.train.batch, job.train.micro_batches);
}

// Splits the fold's training side into rows to train on and, if the job needs them, rows set aside (inner_rows).
void split_training_side(const RunConfig& config, const Dataset& dataset, const std::vector<std::size_t>& side,
                         const std::string& name, FoldJob& work) {
  std::vector<std::size_t> inner;  // indices in `side`
  if (work.needs_inner_rows()) {
    std::vector<std::string> groups, strata;
    for (const std::size_t i : side) {
      groups.push_back(dataset.group(dataset.train[i]));
      strata.push_back(stratum_of(dataset, dataset.train[i]));
    }
    RandomKey key = work.random;
    key.purpose = Purpose::kInnerSplit;
    const auto count = static_cast<std::size_t>(config.train.inner_share * static_cast<double>(side.size()) + 0.5);
    inner = part_of_groups(groups, strata, count, key);
    if (inner.empty() || inner.size() == side.size()) {
      throw UsageError("{}: train.inner_share ({}) sets {} of {} training rows aside; raise it, or leave out {}", name,
                       config.train.inner_share, inner.size(), side.size(),
                       config.train.keep == "best" ? "train.keep: best" : "predict.temperature");
    }
  }
  for (std::size_t place = 0, next = 0; place < side.size(); ++place) {
    const bool aside = next < inner.size() && inner[next] == place;
    if (aside) ++next;
    (aside ? work.inner_rows : work.train_rows).push_back(dataset.train[side[place]]);
  }
}

// The fold's training side without rows of which no head learns the label.
std::vector<std::size_t> taught_side(const std::vector<Labels>& labels, const Unit& unit, const Dataset& dataset,
                                     std::vector<std::size_t> side) {
  std::erase_if(side, [&](std::size_t place) {
    return std::all_of(unit.targets.begin(), unit.targets.end(),
                       [&](int target) { return labels[std::size_t(target)].drops(dataset.train[place]); });
  });
  return side;
}

// The numbers whose labels are learned.
std::vector<double> taught_numbers(const Head& head) {
  std::vector<double> numbers;
  for (std::size_t row = 0; row < head.numbers.size(); ++row)
    if (head.weights.empty() || head.weights[row] > 0) numbers.push_back(head.numbers[row]);
  return numbers;
}

// Throws: DataError if no label of a head is left.
void require_labels(const FoldJob& work, const std::string& name) {
  for (const Head& head : work.heads) {
    const bool none = head.labels.empty() ||
                      (!head.weights.empty() &&
                       std::all_of(head.weights.begin(), head.weights.end(), [](float weight) { return weight == 0; }));
    if (none) throw DataError("{}: train.labels drops all training labels of target {}; drop fewer", name, head.target);
    const bool no_inner = !head.inner_labels.empty() && std::all_of(head.inner_labels.begin(), head.inner_labels.end(),
                                                                    [](std::int64_t label) { return label < 0; });
    if (no_inner)
      throw DataError("{}: train.labels drops all labels of target {} in the rows set aside; raise train.inner_share",
                      name, head.target);
  }
}

Head make_head(const Target& described, const Labels& labels, const FoldJob& work, const std::string& name) {
  Head head{.target = described.name, .weight = described.weight, .bin_spread = described.bin_spread};
  const bool numbers = described.teaching() != Teaching::kClasses;
  for (const std::int64_t row : work.train_rows) {
    head.labels.push_back(labels.taught[std::size_t(row)]);
    if (numbers) head.numbers.push_back(labels.numbers[std::size_t(row)]);
  }
  const auto dropped = [&](std::int64_t row) { return labels.drops(row); };
  if (std::any_of(work.train_rows.begin(), work.train_rows.end(), dropped)) {
    for (const std::int64_t row : work.train_rows) head.weights.push_back(dropped(row) ? 0.0F : 1.0F);
  }
  for (const std::int64_t row : work.inner_rows)
    head.inner_labels.push_back(dropped(row) ? -1 : labels.classes[std::size_t(row)]);
  head.code = fit_code(described, taught_numbers(head), name);
  return head;
}

// A judge trains on neither of its two folds, and predicts both. A trunk trains on none of its folds.
std::vector<std::size_t> training_rows(const FoldPlan& plan, const JobPlace& place) {
  std::vector<std::size_t> rows = trained_on(plan, place.fold);
  const auto leave_out = [&](int fold) {
    const std::vector<std::size_t> other = held_out(plan, {fold});
    std::erase_if(rows, [&](std::size_t row) { return std::binary_search(other.begin(), other.end(), row); });
  };
  if (place.judged_fold >= 0) leave_out(place.judged_fold);
  for (int fold = place.fold.value + 1; fold <= place.last_fold; ++fold) leave_out(fold);
  return rows;
}

std::vector<std::size_t> judged_rows(const FoldPlan& plan, const JobPlace& place) {
  std::vector<std::size_t> rows = held_out(plan, place.fold);
  if (place.judged_fold < 0) return rows;
  const std::vector<std::size_t> other = held_out(plan, {place.judged_fold});
  rows.insert(rows.end(), other.begin(), other.end());
  std::sort(rows.begin(), rows.end());
  return rows;
}

// The rows that the fold holds out, then test and unlabelled rows, which a judge does not predict.
void add_predicted_rows(const Dataset& dataset, const FoldPlan& plan, const JobPlace& place, PlannedJob& job) {
  std::vector<std::int64_t>& rows = job.work.predict_rows;
  for (const std::size_t i : judged_rows(plan, place)) rows.push_back(dataset.train[i]);
  job.held_out_rows = rows.size();
  if (job.is_judge()) return;
  job.test_rows = dataset.test.size();
  job.unlabelled_rows = dataset.unlabelled.size();
  rows.insert(rows.end(), dataset.test.begin(), dataset.test.end());
  rows.insert(rows.end(), dataset.unlabelled.begin(), dataset.unlabelled.end());
}

// A random stream of its own for each pair of folds, apart from those of the folds.
std::uint32_t judge_stream(const FoldPlan& plan, const JobPlace& place) {
  return std::uint32_t(kMostFolds) * 100 + std::uint32_t(place.fold.value) * std::uint32_t(plan.folds()) +
         std::uint32_t(place.judged_fold);
}

// A random stream of its own for each trunk, apart from those of folds and judges.
std::uint32_t trunk_stream(const FoldPlan& plan, const JobPlace& place) {
  constexpr std::uint32_t kTrunks = 1U << 31;
  return kTrunks + std::uint32_t(place.fold.value) * std::uint32_t(plan.folds()) + std::uint32_t(place.last_fold);
}

// Images of a trunk's epoch: as many as its folds' networks train on, judged by the trunk's own rows.
std::int64_t rows_of_branches(const FoldPlan& plan, const JobPlace& place, std::size_t own) {
  const int out = place.last_fold - place.fold.value + 1;
  return std::llround(static_cast<double>(own) * (plan.k - 1) / (plan.k - out));
}

std::string trunk_name(const std::string& unit, const std::string& model, const JobPlace& place) {
  return fmt::format("trunk/{}/{}/folds {} to {}", unit, model, place.fold.value, place.last_fold);
}

std::string judge_name(const std::string& unit, const JobPlace& place) {
  return fmt::format("judge/{}/folds {} and {}", unit, place.fold.value, place.judged_fold);
}

// Paths may differ although the networks are the same: a file and its copy, say.
void check_no_copies(const RunConfig& config, const std::vector<ModelFiles>& files) {
  std::map<std::string, std::string> id_of;
  for (std::size_t m = 0; m < files.size(); ++m) {
    const ModelConfig& model = config.models[m];
    const auto [first, is_new] = id_of.emplace(model_identity(model, files[m]).dump(), model.id);
    if (is_new) continue;
    throw UsageError(
        "models '{}' and '{}' have the same network and options, and start from files with the same content; change "
        "one, "
        "or leave it out",
        first->second, model.id);
  }
}

}  // namespace

std::string job_name(const std::string& unit, const std::string& model, FoldId fold, int round, int part) {
  return fmt::format("{}{}/{}/fold {}{}", round > 0 ? fmt::format("round {}/", round) : "", unit, model, fold.value,
                     part >= 0 ? fmt::format(", part {}", part) : "");
}

std::vector<ModelFiles> hash_model_files(const RunConfig& config) {
  std::vector<ModelFiles> files;
  for (const ModelConfig& model : config.models) files.push_back(hash_files(model));
  return files;
}

void check_plan(const RunConfig& config, const Dataset& dataset, const std::vector<ModelFiles>& files) {
  check_progressive(config.train.progressive, dataset.crops.shape());
  check_shift(config.predict, dataset.crops.shape());
  check_no_copies(config, files);
}

PlannedJob plan_job(const std::vector<Labels>& labels, const RunConfig& config, const Dataset& dataset,
                    const FoldPlan& plan, const std::vector<ModelFiles>& files, const JobPlace& place) {
  PlannedJob job{.unit = place.unit,
                 .model = place.model,
                 .fold = place.fold,
                 .judged_fold = place.judged_fold,
                 .last_fold = place.last_fold};
  const Unit& unit = dataset.targets.units[std::size_t(job.unit)];
  FoldJob& work = job.work;
  work.model = config.models[std::size_t(job.model)];
  work.files = files[std::size_t(job.model)];
  job.name = job.is_judge()   ? judge_name(unit.name, place)
             : job.is_trunk() ? trunk_name(unit.name, work.model.id, place)
                              : job_name(unit.name, work.model.id, job.fold);
  work.train = config.train;
  work.train.lr = work.model.lr.value.value_or(config.train.lr);
  work.predict = config.predict;
  work.exact = config.cluster.exact;
  work.score = config.score;
  work.norm = norm_of(work.model, work.files, dataset);
  work.random = {.seed = std::uint64_t(config.seed), .fold = std::uint32_t(job.fold.value)};
  if (job.is_judge()) work.random.fold = judge_stream(plan, place);
  if (job.is_trunk()) work.random.fold = trunk_stream(plan, place);
  split_training_side(config, dataset, taught_side(labels, unit, dataset, training_rows(plan, place)), job.name, work);
  for (const int target : unit.targets) {
    const auto t = static_cast<std::size_t>(target);
    work.heads.push_back(make_head(dataset.targets.targets[t], labels[t], work, job.name));
  }
  require_labels(work, job.name);
  work.shared = place.shared;
  if (job.is_trunk()) work.shared.rows = rows_of_branches(plan, place, work.train_rows.size());
  check_parts(work, job.name);
  if (!job.is_trunk()) add_predicted_rows(dataset, plan, place, job);
  work.key = job_key(job_identity(config, dataset, job));
  return job;
}

std::vector<PlannedJob> plan_jobs(const std::vector<Labels>& labels, const RunConfig& config, const Dataset& dataset,
                                  const FoldPlan& plan, const std::vector<ModelFiles>& files) {
  check_plan(config, dataset, files);
  std::vector<PlannedJob> jobs;
  for (int u = 0; u < static_cast<int>(dataset.targets.units.size()); ++u) {
    for (int m = 0; m < static_cast<int>(config.models.size()); ++m) {
      for (int fold = 0; fold < plan.folds(); ++fold)
        jobs.push_back(plan_job(labels, config, dataset, plan, files, {u, m, {fold}}));
    }
  }
  return jobs;
}

}  // namespace pleat
