#include "train/checkpoint.h"

#include <algorithm>

#include "base/files.h"
#include "base/log.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kKept = 2;  // if the newest is damaged, a run can resume from the one before
constexpr std::string_view kModel = "model/", kOptimizer = "optimizer/", kAverage = "average/", kBest = "best/";

void append(NamedTensors& all, std::string_view prefix, const NamedTensors& some) {
  for (const auto& [name, tensor] : some) all.emplace_back(std::string(prefix) + name, tensor);
}

NamedTensors section(const NamedTensors& all, std::string_view prefix) {
  NamedTensors some;
  for (const auto& [name, tensor] : all) {
    if (name.starts_with(prefix)) some.emplace_back(name.substr(prefix.size()), tensor);
  }
  return some;
}

// Newest first; the names sort by epoch and step.
std::vector<fs::path> checkpoints_in(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".safetensors") paths.push_back(entry.path());
  }
  std::sort(paths.rbegin(), paths.rend());
  return paths;
}

}  // namespace

std::string checkpoint_to_bytes(const Checkpoint& checkpoint, const std::string& key) {
  NamedTensors tensors;
  append(tensors, kModel, checkpoint.model);
  append(tensors, kOptimizer, checkpoint.optimizer);
  append(tensors, kAverage, checkpoint.average);
  append(tensors, kBest, checkpoint.best.weights);
  Json history = Json::array();
  for (const auto& report : checkpoint.history) history.push_back(to_json(report));
  std::map<std::string, std::string> metadata{{"key", key},
                                              {"epoch", std::to_string(checkpoint.epoch)},
                                              {"step", std::to_string(checkpoint.step)},
                                              {"running", to_json(checkpoint.running).dump()},
                                              {"history", history.dump()}};
  const BestSoFar& best = checkpoint.best;
  if (best.epoch > 0)
    metadata["best"] = Json{{"epoch", best.epoch}, {"score", best.score}, {"since", best.since}}.dump();
  return tensors_to_bytes(tensors, metadata);
}

void save_checkpoint(const fs::path& folder, const Checkpoint& checkpoint, const std::string& key) {
  make_folder(folder);
  write_file(folder / fmt::format("epoch_{:05}_step_{:07}.safetensors", checkpoint.epoch, checkpoint.step),
             checkpoint_to_bytes(checkpoint, key));
  fault_point("checkpoint_saved");
  const std::vector<fs::path> paths = checkpoints_in(folder);
  std::error_code ignored;
  for (std::size_t i = kKept; i < paths.size(); ++i) fs::remove(paths[i], ignored);
}

FoundCheckpoint find_checkpoint(const fs::path& folder, const std::string& key) {
  std::string broken;
  for (const fs::path& path : checkpoints_in(folder)) {
    try {
      std::string bytes = read_file(path);
      const TensorFile file = tensors_from_bytes(bytes, path.string());
      const auto found = file.metadata.find("key");
      if (found == file.metadata.end() || found->second != key) {
        spdlog::warn("{} is from a job with other settings and is ignored", path.string());
        continue;
      }
      if (!broken.empty()) spdlog::warn("{} is broken; using the previous checkpoint, {}", broken, path.string());
      return {std::move(bytes), path.string()};
    } catch (const DataError& error) {
      spdlog::warn("{}", error.what());
      broken = path.string();
    }
  }
  if (!broken.empty()) spdlog::warn("{} is broken and no earlier checkpoint exists; the job starts over", broken);
  return {};
}

Checkpoint parse_checkpoint(std::string_view bytes, const std::string& source) {
  const TensorFile file = tensors_from_bytes(bytes, source);
  Checkpoint checkpoint;
  try {
    checkpoint.epoch = std::stoll(file.metadata.at("epoch"));
    checkpoint.step = std::stoll(file.metadata.at("step"));
    checkpoint.running = epoch_report_from_json(parse_json(file.metadata.at("running")));
    if (const auto best = file.metadata.find("best"); best != file.metadata.end()) {
      const Json facts = parse_json(best->second);
      checkpoint.best = {.epoch = facts.at("epoch"), .score = facts.at("score"), .since = facts.at("since")};
    }
    for (const auto& report : parse_json(file.metadata.at("history")))
      checkpoint.history.push_back(epoch_report_from_json(report));
  } catch (const std::exception& error) {
    throw DataError("{} is a safetensors file but not a pleat checkpoint ({}); delete it and run again", source,
                    error.what());
  }
  checkpoint.model = section(file.tensors, kModel);
  checkpoint.optimizer = section(file.tensors, kOptimizer);
  checkpoint.average = section(file.tensors, kAverage);
  checkpoint.best.weights = section(file.tensors, kBest);
  return checkpoint;
}

}  // namespace pleat
