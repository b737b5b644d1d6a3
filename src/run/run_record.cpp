#include "run/run_record.h"

#include <algorithm>
#include <stdexcept>

#include "base/error.h"
#include "base/files.h"

namespace pleat {
namespace {

// Leaves `value` alone if there is no such key.
template <class T>
void read(const Json& json, const char* key, T& value) {
  if (const auto found = json.find(key); found != json.end()) value = found->get<T>();
}

Json to_json(const ImageShape& shape) { return {shape.height, shape.width, shape.channels}; }

ImageShape shape_from_json(const Json& json) { return {json.at(0), json.at(1), json.at(2)}; }

Json to_json(const std::vector<RunRecord::RecordedTarget>& targets) {
  Json all = Json::array();
  for (const auto& target : targets)
    all.push_back({{"name", target.name}, {"column", target.column}, {"classes", target.classes}});
  return all;
}

std::vector<RunRecord::RecordedTarget> targets_from_json(const Json& json) {
  std::vector<RunRecord::RecordedTarget> targets;
  for (const Json& target : json) targets.push_back({target.at("name"), target.at("column"), target.at("classes")});
  return targets;
}

RunRecord::Data data_from_json(const Json& json) {
  RunRecord::Data data{.hash = json.at("hash")};
  read(json, "crops", data.crops);
  read(json, "rows", data.rows);
  data.provenance = json.at("provenance").get<Provenance>();
  data.shape = shape_from_json(json.at("shape"));
  return data;
}

RunRecord::Layout layout_from_json(const Json& json) {
  RunRecord::Layout layout;
  read(json, "ranks", layout.ranks);
  read(json, "slots", layout.slots);
  read(json, "shards", layout.shards);
  read(json, "hosts", layout.hosts);
  return layout;
}

ComputedBy computed_by_from_json(const Json& json) {
  ComputedBy by;
  read(json, "build", by.build);
  read(json, "device", by.device);
  read(json, "cpu", by.cpu);
  read(json, "threads", by.threads);
  read(json, "shards", by.shards);
  read(json, "conv_plan", by.conv_plan);
  return by;
}

Json to_json(const PixelNorm& norm) { return {{"mean", norm.mean}, {"std", norm.std}}; }

PixelNorm norm_from_json(const Json& json) { return {json.at("mean"), json.at("std")}; }

// Networks would compute NaN, or crash, with another number of channels.
void check_norm(const PixelNorm& norm, const RunRecord& record) {
  const auto channels = static_cast<std::size_t>(record.data.shape.channels);
  const bool fits = norm.mean.size() == channels && norm.std.size() == channels;
  if (!fits || std::any_of(norm.std.begin(), norm.std.end(), [](double std) { return !(std > 0); }))
    throw std::invalid_argument(
        fmt::format("norm is not one mean and one positive std for each of {} channels", channels));
}

RunRecord record_from_json(const Json& json) {
  RunRecord record{.data = data_from_json(json.at("data"))};
  read(json, "pleat", record.pleat);
  read(json, "build", record.build);
  read(json, "folds", record.folds);
  read(json, "labels", record.labels);
  read(json, "scripts", record.scripts);
  record.norm = norm_from_json(json.at("norm"));
  if (json.contains("norms"))
    for (const auto& [model, norm] : json["norms"].items()) record.norms[model] = norm_from_json(norm);
  check_norm(record.norm, record);
  for (const auto& [model, norm] : record.norms) check_norm(norm, record);
  record.targets = targets_from_json(json.at("targets"));
  if (json.contains("layout")) record.layout = layout_from_json(json["layout"]);
  read(json, "threads", record.threads);
  read(json, "device", record.device);
  read(json, "precision", record.precision);
  if (json.contains("computed_by")) record.computed_by = computed_by_from_json(json["computed_by"]);
  read(json, "promise", record.promise);
  return record;
}

}  // namespace

const PixelNorm& RunRecord::norm_of(const std::string& model) const {
  const auto own = norms.find(model);
  return own == norms.end() ? norm : own->second;
}

Json to_json(const RunRecord& record) {
  Json norms = Json::object();
  for (const auto& [model, norm] : record.norms) norms[model] = to_json(norm);
  return {{"pleat", record.pleat},
          {"build", record.build},
          {"data",
           {{"crops", record.data.crops},
            {"hash", record.data.hash},
            {"rows", record.data.rows},
            {"shape", to_json(record.data.shape)},
            {"provenance", record.data.provenance}}},
          {"folds", record.folds},
          {"labels", record.labels},
          {"scripts", record.scripts},
          {"norm", to_json(record.norm)},
          {"norms", norms},
          {"targets", to_json(record.targets)},
          {"layout",
           {{"ranks", record.layout.ranks},
            {"slots", record.layout.slots},
            {"shards", record.layout.shards},
            {"hosts", record.layout.hosts}}},
          {"threads", record.threads},
          {"device", record.device},
          {"precision", record.precision},
          {"computed_by", to_json(record.computed_by)},
          {"promise", record.promise}};
}

RunRecord read_run_record(const RunPaths& paths) {
  const std::string text = read_file(paths.run());
  try {
    return record_from_json(parse_json(text));
  } catch (const std::exception& error) {  // not JSON, a missing key, another type
    throw DataError("{} is damaged ({}); run pleat train with another --run folder", paths.run().string(),
                    error.what());
  }
}

std::optional<RunRecord> find_run_record(const RunPaths& paths) {
  if (!file_exists(paths.run())) return std::nullopt;
  return read_run_record(paths);
}

}  // namespace pleat
