#include "run/finished_job.h"

#include <ATen/ops/tensor.h>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "model/tensor_file.h"

namespace pleat {
namespace fs = std::filesystem;

namespace {

// "oof.logits", or with several heads "oof.logits.mask".
std::string name_of(const std::string& rows, const char* what, const std::string& target) {
  return rows + "." + what + (target.empty() ? "" : "." + target);
}

Json describe(const Head& head, double temperature, const Scores& scores) {
  TargetCode code = head.code;
  code.temperature = temperature;
  return {{"target", head.target}, {"scores", to_json(scores)}, {"code", to_json(code)}};
}

double images_per_second(const std::vector<EpochReport>& history) {
  std::int64_t images = 0;
  double seconds = 0;
  for (const EpochReport& report : history) {
    images += report.images;
    seconds += report.seconds;
  }
  return seconds > 0 ? static_cast<double>(images) / seconds : 0.0;
}

// done.json first: after a kill in between, the file is only one too many.
void release(const fs::path& folder, const char* file) {
  Json done = read_done(folder);
  if (done.contains("sha256") && done["sha256"].erase(file) > 0) write_file(folder / kDoneFile, done.dump(2) + "\n");
  std::error_code error;
  fs::remove(folder / file, error);
  if (error) throw_file_error("remove", folder / file, error.value());
}

}  // namespace

FinishedJob pack_result(const PlannedJob& job, const FoldResult& result, double seconds) {
  if (job.is_trunk())
    return {.state = result.state, .history = result.history, .kept_epoch = result.kept_epoch, .seconds = seconds};
  const auto& rows = job.work.predict_rows;
  NamedTensors predictions;
  std::size_t begin = 0;
  const auto add = [&](const std::string& name, std::size_t count) {
    if (count == 0) return;
    const auto from = static_cast<std::ptrdiff_t>(begin), to = static_cast<std::ptrdiff_t>(begin + count);
    predictions.emplace_back(name + ".rows",
                             at::tensor(std::vector<std::int64_t>(rows.begin() + from, rows.begin() + to), at::kLong));
    const auto& heads = job.work.heads;
    for (std::size_t h = 0; h < heads.size(); ++h) {
      const std::string target = heads.size() > 1 ? heads[h].target : "";
      predictions.emplace_back(name_of(name, "logits", target), result.logits[h].narrow(0, from, to - from));
      if (h < result.normals.size() && result.normals[h].defined())
        predictions.emplace_back(name_of(name, "normal", target), result.normals[h].narrow(0, from, to - from));
    }
    begin += count;
  };
  add("oof", job.held_out_rows);
  add("test", job.test_rows);
  add("unlabelled", job.unlabelled_rows);

  return {.weights = tensors_to_bytes(result.weights),
          .predictions = tensors_to_bytes(predictions),
          .history = result.history,
          .kept_epoch = result.kept_epoch,
          .seconds = seconds,
          .temperatures = result.temperatures};
}

void write_result(const fs::path& folder, const PlannedJob& job, const FinishedJob& finished,
                  const std::vector<Scores>& scores, Owner owner) {
  std::string metrics;
  for (const EpochReport& report : finished.history) metrics += to_json(report).dump() + "\n";
  Json heads = Json::array();
  for (std::size_t h = 0; h < scores.size(); ++h)
    heads.push_back(describe(job.work.heads[h], finished.temperatures[h], scores[h]));
  Json sums = Json::object();
  if (!finished.weights.empty()) sums[kWeightsFile] = sha256(finished.weights);
  if (job.is_trunk())
    sums[kStateFile] = sha256(finished.state);
  else
    sums[kPredictionsFile] = sha256(finished.predictions);
  Json done{{"key", job.work.key},
            {"job", job.name},
            {"epochs", finished.history.size()},
            {"kept_epoch", finished.kept_epoch},
            {"train_rows", job.work.train_rows.size()},
            {"held_out_rows", job.held_out_rows},
            {"heads", heads},
            {"seconds", finished.seconds},
            {"train_images_per_second", images_per_second(finished.history)},
            {"sha256", sums}};
  if (owner == Owner::kSweep) done["of_sweep"] = true;
  make_folder(folder);
  if (!finished.weights.empty()) write_file(folder / kWeightsFile, finished.weights);
  if (job.is_trunk())
    write_file(folder / kStateFile, finished.state);
  else
    write_file(folder / kPredictionsFile, finished.predictions);
  write_file(folder / kMetricsFile, metrics);
  fault_point("before_done");
  write_file(folder / kDoneFile, done.dump(2) + "\n");
  std::error_code ignored;
  fs::remove_all(folder / kResumeFolder, ignored);
}

Held held_result(const fs::path& folder, const std::string& key) {
  if (!fs::exists(folder / kDoneFile)) return Held::kNothing;
  try {
    const Json done = read_done(folder);
    if (done.at("key") != key) return Held::kNothing;
    for (const auto& [name, sum] : done.at("sha256").items()) {
      if (sha256(read_file(folder / name)) == sum) continue;
      spdlog::warn("{} was changed after it was written; its job runs again", (folder / name).string());
      return Held::kNothing;
    }
    const Json& sums = done["sha256"];
    return sums.contains(kWeightsFile) || sums.contains(kStateFile) ? Held::kWhole : Held::kScores;
  } catch (const std::exception& error) {
    spdlog::warn("{} cannot be used ({}); its job runs again", (folder / kDoneFile).string(), error.what());
    return Held::kNothing;
  }
}

void drop_weights(const fs::path& folder) {
  const Json done = read_done(folder);
  if (done.is_object() && done.value("of_sweep", false)) release_weights(folder);
}

void release_weights(const fs::path& folder) { release(folder, kWeightsFile); }

void release_state(const fs::path& folder) { release(folder, kStateFile); }

void require_unchanged(const fs::path& folder) {
  const Json done = read_done(folder);
  try {
    for (const auto& [name, sum] : done.at("sha256").items()) {
      if (sha256(read_file(folder / name)) == sum) continue;
      throw DataError("{} was changed after it was written; run pleat train again in that run folder to repair it",
                      (folder / name).string());
    }
  } catch (const Json::exception& error) {
    throw DataError("{} is damaged ({}); run pleat train again in that run folder to repair it",
                    (folder / kDoneFile).string(), error.what());
  }
}

JobPredictions parse_predictions(const std::string& bytes, const std::string& target, const std::string& source) {
  const TensorFile file = tensors_from_bytes(bytes, source);
  JobPredictions predictions{.held_out_rows = file.at("oof.rows"),
                             .held_out_logits = file.at(name_of("oof", "logits", target))};
  for (const auto& [name, tensor] : file.tensors) {
    if (name == "test.rows") predictions.test_rows = tensor;
    if (name == "unlabelled.rows") predictions.unlabelled_rows = tensor;
    if (name == name_of("test", "logits", target)) predictions.test_logits = tensor;
    if (name == name_of("unlabelled", "logits", target)) predictions.unlabelled_logits = tensor;
    if (name == name_of("oof", "normal", target)) predictions.held_out_normal = tensor;
    if (name == name_of("test", "normal", target)) predictions.test_normal = tensor;
    if (name == name_of("unlabelled", "normal", target)) predictions.unlabelled_normal = tensor;
  }
  return predictions;
}

std::string head_name(const Unit& unit, const Target& target) { return unit.targets.size() > 1 ? target.name : ""; }

std::vector<TargetCode> read_codes(const Json& done, const TargetPlan& plan, const Unit& unit,
                                   const std::string& source) {
  std::vector<TargetCode> codes;
  for (std::size_t h = 0; h < unit.targets.size(); ++h) {
    const Target& target = plan.targets[std::size_t(unit.targets[h])];
    if (!done.contains("heads")) {
      codes.push_back(fit_code(target, {}, source));
      continue;
    }
    const Json& heads = done["heads"];
    if (!heads.is_array() || heads.size() != unit.targets.size() || heads[h].value("target", "") != target.name)
      throw DataError("{} has other targets than the run; run pleat train again in that run folder", source);
    codes.push_back(code_from_json(heads[h].value("code", Json()), source));
    if (codes.back().classes != target.size())
      throw DataError("{}: target {} has {} classes there and {} in the run", source, target.name, codes.back().classes,
                      target.size());
  }
  return codes;
}

Json read_done(const fs::path& folder) {
  try {
    return parse_json(read_file(folder / kDoneFile));
  } catch (const Json::exception& error) {
    throw DataError("{} is damaged: {}", (folder / kDoneFile).string(), error.what());
  }
}

}  // namespace pleat
