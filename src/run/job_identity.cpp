#include "run/job_identity.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"

namespace pleat {
namespace {

constexpr int kResultFormat = 1;  // raise it when the same inputs give other weights

std::string hash_of(const std::vector<std::int64_t>& values) {
  return sha256({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0])});
}

// Options that came after plain classes are left out while unused, so that old keys stay valid.
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

std::string hash_of(const std::vector<float>& values) {
  return sha256({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0])});
}

// Labels that some heads do not learn (train.labels); null if there are none.
Json label_weights(const FoldJob& job) {
  const bool none =
      std::all_of(job.heads.begin(), job.heads.end(), [](const Head& head) { return head.weights.empty(); });
  if (none || job.pseudo.rows > 0) return nullptr;  // pseudo_identity has them
  Json heads = Json::array();
  for (const Head& head : job.heads) heads.push_back(hash_of(head.weights));
  return heads;
}

// A student's weights, soft labels and options; its pseudo-labels are among the job's labels.
Json pseudo_identity(const FoldJob& job) {
  Json heads = Json::array();
  for (const Head& head : job.heads) heads.push_back({hash_of(head.weights), hash_of(head.soft)});
  return {{"rows", job.pseudo.rows},
          {"heads", heads},
          {"augment", job.pseudo.augment ? key_fields_of(*job.pseudo.augment) : Json(nullptr)},
          {"start", job.pseudo.initial_weights.empty() ? "" : sha256(job.pseudo.initial_weights)}};
}

// The epochs of a trunk, and those of a job that continues one; null of other jobs. The trunk's key stands for its
// state.
Json shared_identity(const SharedEpochs& shared) {
  if (shared.until == 0 && shared.trunk.empty()) return nullptr;
  return {{"from", shared.from}, {"until", shared.until}, {"rows", shared.rows}, {"trunk", shared.trunk}};
}

// The options without those that have no effect on a network of numbers alone.
TrainConfig effective_options(const FoldJob& job) {
  TrainConfig train = job.train;
  const bool all_numbers = std::all_of(job.heads.begin(), job.heads.end(),
                                       [](const Head& head) { return head.code.teaching == Teaching::kNumber; });
  if (!all_numbers) return train;
  train.loss.focal = train.loss.f1 = train.label_smoothing = 0;
  return train;
}

// The model without the options that a job has in other places: its rate is in `train`, its mean and std in `norm`.
Json trained_model(const FoldJob& job) {
  Json model = model_identity(job.model, job.files);
  for (const char* elsewhere : {"lr", "mean", "std"}) model.erase(elsewhere);
  return model;
}

}  // namespace

Json job_identity(const RunConfig& config, const Dataset& dataset, const PlannedJob& job) {
  const ImageShape& shape = dataset.crops.shape();
  Json identity{{"format", kResultFormat},
                {"target", target_identity(dataset, job)},
                {"model", trained_model(job.work)},
                {"train", train_identity(effective_options(job.work), job.work.predict)},
                {"exact", config.cluster.exact},
                {"seed", config.seed},
                {"round", job.work.random.round},
                {"fold", job.fold.value},
                {"shape", {shape.height, shape.width, shape.channels}},
                {"norm", {job.work.norm.mean, job.work.norm.std}},
                {"data", dataset.hash},
                {"train_rows", hash_of(job.work.train_rows)},
                {"train_labels", hash_of_labels(job.work)},
                {"predict_rows", hash_of(job.work.predict_rows)}};
  if (const Json predict = predict_identity(job.work.predict); !predict.is_null()) identity["predict"] = predict;
  if (job.is_judge()) identity["judged_fold"] = job.judged_fold;
  if (job.is_trunk()) identity["last_fold"] = job.last_fold;
  if (const Json shared = shared_identity(job.work.shared); !shared.is_null()) identity["shared"] = shared;
  if (const Json weights = label_weights(job.work); !weights.is_null()) identity["label_weights"] = weights;
  if (job.work.pseudo.rows > 0) identity["pseudo"] = pseudo_identity(job.work);
  if (!job.work.inner_rows.empty())
    identity["inner"] = {
        {"rows", hash_of(job.work.inner_rows)}, {"labels", hash_of_inner(job.work)}, {"score", job.work.score}};
  return identity;
}

// A network that starts from a file depends on the file's content, not on its path or the model's id.
Json model_identity(const ModelConfig& config, const ModelFiles& files) {
  Json model = key_fields_of(config);
  model["weights"] = files.weights;
  if (!files.script.empty()) model["script"] = files.script;
  model.erase("id");
  return model;
}

Json train_identity(const TrainConfig& train, const PredictConfig& predict) {
  Json all = key_fields_of(train);
  if (train.keep != "best" && !predict.temperature) all.erase("inner_share");
  return all;
}

Json predict_identity(const PredictConfig& predict) {
  Json fields = key_fields_of(predict);
  return fields == key_fields_of(PredictConfig{}) ? Json() : fields;
}

}  // namespace pleat
