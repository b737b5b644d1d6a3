#include "rounds/job_plan.h"

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "jobs/job_key.h"

namespace pleat {
namespace {

constexpr int kResultFormat = 1;  // raise it when the same inputs begin to give other weights

std::string hash_of(const std::vector<std::int64_t>& values) {
  return sha256({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0])});
}

// A network that starts from a file depends on what is in it, not on where it lies or what the model is called.
Json model_identity(const ModelConfig& config, const ModelFiles& files) {
  Json model = identity_of(config);
  model["weights"] = files.weights;
  if (!files.script.empty()) model["script"] = files.script;
  model.erase("id");
  return model;
}

// A run that went on without a word at its old size would not be what was asked for.
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

// The images would be black.
void check_shift(const PredictConfig& predict, const ImageShape& shape) {
  if (predict.shift < std::min(shape.height, shape.width)) return;
  throw UsageError(
      "predict.shift ({}) must be less than the shorter side of the crops ({} x {} pixels); lower it, or leave it out",
      predict.shift, shape.height, shape.width);
}

Json job_identity(const RunConfig& config, const Dataset& dataset, const PlannedJob& job) {
  const ImageShape& shape = dataset.crops.shape();
  const Target& target = dataset.targets[std::size_t(job.target)];
  Json identity{{"format", kResultFormat},
                {"target", {{"column", target.column}, {"classes", target.classes}}},
                {"model", model_identity(job.work.model, job.work.files)},
                {"train", train_identity(job.work.train)},
                {"exact", config.cluster.exact},
                {"seed", config.seed},
                {"round", 0},
                {"fold", job.fold.value},
                {"shape", {shape.height, shape.width, shape.channels}},
                {"norm", {dataset.norm.mean, dataset.norm.std}},
                {"data", dataset.hash},
                {"train_rows", hash_of(job.work.train_rows)},
                {"train_labels", hash_of(job.work.train_labels)},
                {"predict_rows", hash_of(job.work.predict_rows)}};
  if (const Json predict = predict_identity(job.work.predict); !predict.is_null()) identity["predict"] = predict;
  return identity;
}

void check_parts(const FoldJob& job, const std::string& name) {
  const auto steps = static_cast<std::size_t>(steps_per_epoch(job.train_rows.size(), job.train));
  const std::size_t smallest = job.train_rows.size() / steps / std::size_t(job.train.micro_batches);
  if (smallest >= 2) return;
  throw UsageError(
      "{}: {} training rows in {} batches of {} parts leave parts of {} rows, and BatchNorm needs two; raise "
      "train.batch ({}) or "
      "lower train.micro_batches ({})",
      name, job.train_rows.size(), steps, job.train.micro_batches, smallest, job.train.batch, job.train.micro_batches);
}

}  // namespace

std::string job_name(const std::string& target, const std::string& model, FoldId fold) {
  return fmt::format("{}/{}/fold {}", target, model, fold.value);
}

Json train_identity(const TrainConfig& train) {
  Json all = identity_of(train);
  const Json defaults = identity_of(TrainConfig{});
  for (const char* later :
       {"/augment/resized_crop", "/augment/rotate", "/augment/jitter", "/augment/randaugment", "/augment/erase",
        "/augment/mixup", "/augment/cutmix", "/ema", "/progressive"}) {
    const Json::json_pointer place(later);
    if (all[place] == defaults[place]) all[place.parent_pointer()].erase(place.back());
  }
  return all;
}

Json predict_identity(const PredictConfig& predict) {
  if (!predict.flip && predict.shift == 0) return nullptr;
  Json all = identity_of(predict);
  if (predict.shift == 0) all.erase("shift");
  return all;
}

std::vector<ModelFiles> hash_model_files(const RunConfig& config) {
  std::vector<ModelFiles> files;
  for (const ModelConfig& model : config.models) files.push_back(hash_files(model));
  return files;
}

std::vector<PlannedJob> plan_jobs(const RunConfig& config, const Dataset& dataset, const FoldPlan& plan,
                                  const std::vector<ModelFiles>& files) {
  check_progressive(config.train.progressive, dataset.crops.shape());
  check_shift(config.predict, dataset.crops.shape());
  std::vector<PlannedJob> jobs;
  for (std::size_t t = 0; t < dataset.targets.size(); ++t) {
    for (std::size_t m = 0; m < config.models.size(); ++m) {
      for (int fold = 0; fold < plan.folds(); ++fold) {
        PlannedJob job{.target = int(t), .model = int(m), .fold = {fold}};
        job.name = job_name(dataset.targets[t].name, config.models[m].id, job.fold);
        FoldJob& work = job.work;
        work.model = config.models[m];
        work.files = files[m];
        work.train = config.train;
        work.predict = config.predict;
        work.exact = config.cluster.exact;
        work.classes = dataset.targets[t].size();
        work.norm = dataset.norm;
        work.random = {.seed = std::uint64_t(config.seed), .round = 0, .fold = std::uint32_t(fold)};
        for (const std::size_t i : trained_on(plan, job.fold)) {
          work.train_rows.push_back(dataset.train[i]);
          work.train_labels.push_back(dataset.labels[t][std::size_t(dataset.train[i])]);
        }
        for (const std::size_t i : held_out(plan, job.fold)) work.predict_rows.push_back(dataset.train[i]);
        job.held_out_rows = work.predict_rows.size();
        job.test_rows = dataset.test.size();
        job.unlabelled_rows = dataset.unlabelled.size();
        work.predict_rows.insert(work.predict_rows.end(), dataset.test.begin(), dataset.test.end());
        work.predict_rows.insert(work.predict_rows.end(), dataset.unlabelled.begin(), dataset.unlabelled.end());
        check_parts(work, job.name);
        work.key = job_key(job_identity(config, dataset, job));
        jobs.push_back(std::move(job));
      }
    }
  }
  return jobs;
}

}  // namespace pleat
