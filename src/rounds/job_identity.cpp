#include "rounds/job_identity.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"

namespace pleat {
namespace {

constexpr int kResultFormat = 1;  // raise it when the same inputs begin to give other weights

std::string hash_of(const std::vector<std::int64_t>& values) {
  return sha256({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0])});
}

// The key of a run of plain classes is what it was before there was anything else.
Json target_identity(const Dataset& dataset, const PlannedJob& job) {
  const Unit& unit = dataset.targets.units[std::size_t(job.unit)];
  Json all = Json::array();
  for (std::size_t h = 0; h < unit.targets.size(); ++h) {
    const Target& target = dataset.targets.targets[std::size_t(unit.targets[h])];
    const Head& head = job.work.heads[h];
    Json one{{"column", target.column}, {"classes", target.classes}};
    if (head.code.teaching != Teaching::kClasses) one["code"] = to_json(head.code);
    if (head.bin_spread > 0) one["bin_spread"] = head.bin_spread;
    if (unit.targets.size() > 1 && head.weight != 1.0) one["weight"] = head.weight;
    all.push_back(one);
  }
  return all.size() == 1 ? all.front() : all;
}

std::string hash_of_labels(const FoldJob& job) {
  if (job.heads.size() == 1 && job.heads.front().numbers.empty()) return hash_of(job.heads.front().labels);
  std::string text;
  for (const Head& head : job.heads) {
    text += hash_of(head.labels);
    for (const double number : head.numbers) text += fmt::format(" {}", number);
  }
  return sha256(text);
}

std::string hash_of_inner(const FoldJob& job) {
  std::string text;
  for (const Head& head : job.heads) text += hash_of(head.inner_labels);
  return sha256(text);
}

// The options without what a network of numbers alone does not feel.
TrainConfig felt_by(const FoldJob& job) {
  TrainConfig train = job.train;
  const bool all_numbers = std::all_of(job.heads.begin(), job.heads.end(),
                                       [](const Head& head) { return head.code.teaching == Teaching::kNumber; });
  if (!all_numbers) return train;
  train.loss.focal = train.loss.f1 = train.label_smoothing = 0;
  return train;
}

}  // namespace

Json job_identity(const RunConfig& config, const Dataset& dataset, const PlannedJob& job) {
  const ImageShape& shape = dataset.crops.shape();
  Json identity{{"format", kResultFormat},
                {"target", target_identity(dataset, job)},
                {"model", model_identity(job.work.model, job.work.files)},
                {"train", train_identity(felt_by(job.work))},
                {"exact", config.cluster.exact},
                {"seed", config.seed},
                {"round", 0},
                {"fold", job.fold.value},
                {"shape", {shape.height, shape.width, shape.channels}},
                {"norm", {dataset.norm.mean, dataset.norm.std}},
                {"data", dataset.hash},
                {"train_rows", hash_of(job.work.train_rows)},
                {"train_labels", hash_of_labels(job.work)},
                {"predict_rows", hash_of(job.work.predict_rows)}};
  if (const Json predict = predict_identity(job.work.predict); !predict.is_null()) identity["predict"] = predict;
  if (!job.work.inner_rows.empty())
    identity["inner"] = {
        {"rows", hash_of(job.work.inner_rows)}, {"labels", hash_of_inner(job.work)}, {"score", job.work.score}};
  return identity;
}

// A network that starts from a file depends on what is in it, not on where it lies or what the model is called.
Json model_identity(const ModelConfig& config, const ModelFiles& files) {
  Json model = identity_of(config);
  model["weights"] = files.weights;
  if (!files.script.empty()) model["script"] = files.script;
  model.erase("id");
  const Json defaults = identity_of(ModelConfig{});
  for (const char* later : {"new_head", "dropout", "stochastic_depth"}) {
    if (model[later] == defaults[later]) model.erase(later);
  }
  return model;
}

Json train_identity(const TrainConfig& train) {
  Json all = identity_of(train);
  const Json defaults = identity_of(TrainConfig{});
  for (const char* later : {"/augment/resized_crop", "/augment/rotate", "/augment/jitter", "/augment/randaugment",
                            "/augment/erase", "/augment/mixup", "/augment/cutmix", "/ema", "/progressive", "/loss",
                            "/sampling", "/clip", "/layer_decay", "/freeze_epochs", "/patience"}) {
    const Json::json_pointer place(later);
    if (all[place] == defaults[place]) all[place.parent_pointer()].erase(place.back());
  }
  if (train.keep != "best") all.erase("inner_share");
  return all;
}

Json predict_identity(const PredictConfig& predict) {
  if (!predict.flip && predict.shift == 0) return nullptr;
  Json all = identity_of(predict);
  if (predict.shift == 0) all.erase("shift");
  return all;
}

}  // namespace pleat
