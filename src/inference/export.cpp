#include "inference/export.h"

#include <algorithm>

#include "base/build_info.h"
#include "base/error.h"
#include "base/files.h"
#include "exported_ensemble.h"  // kExportedEnsemble: exported_ensemble.py, by cmake/embed_text.cmake
#include "inference/export_folder.h"
#include "inference/member_files.h"
#include "inference/trained_ensemble.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr int kExportVersion = 2;  // format version; exported_ensemble.py reads only this version

// Returns the preparation recorded in the crops file. A missing step was not done.
Json describe_preprocessing(const RunRecord& record) {
  const ImageShape& shape = record.data.shape;
  const Json provenance = record.data.provenance;
  return {{"height", shape.height},
          {"width", shape.width},
          {"channels", shape.channels},
          {"source", provenance.value("source", "unknown")},
          {"crop", provenance.contains("crop") ? provenance["crop"] : Json()},
          {"background", provenance.value("background", "keep")},
          {"provenance", provenance},
          {"mean", record.norm.mean},
          {"std", record.norm.std}};
}

// Mirrors exported_ensemble.py.
bool loader_crops(const Json& preprocessing) {
  return (preprocessing["crop"] == "none" || preprocessing["crop"] == "center") &&
         preprocessing["background"] == "keep";
}

Json describe_targets(const TrainedEnsemble& ensemble) {
  Json targets = Json::array();
  for (std::size_t t = 0; t < ensemble.targets.targets.size(); ++t) {
    const Target& target = ensemble.targets.targets[t];
    Json& described = targets.emplace_back(Json{{"name", target.name}, {"classes", target.classes}});
    if (!ensemble.blends[t].method.empty()) described["blend"] = to_json(ensemble.blends[t]);
  }
  return targets;
}

Json describe_joint(const TargetPlan& plan) {
  if (!plan.joint) return nullptr;
  Json components = Json::array();
  for (const int component : plan.joint->of) components.push_back(plan.targets[std::size_t(component)].name);
  const bool product = plan.derived(static_cast<int>(plan.targets.size()) - 1);
  return {{"name", plan.joint->target.name}, {"of", components}, {"probabilities", product ? "product" : "own"}};
}

// The parts of job_name, joined by a character that no name contains.
std::string weights_name(const Unit& unit, const Member& member) {
  return fmt::format("{}/{}+{}+{}.safetensors", kExportWeights, unit.name, member.model.id,
                     member.folder.filename().string());
}

// Describes the ensemble and adds its files.
class Exporter {
 public:
  Exporter(const TrainedEnsemble& ensemble, ExportFolder& folder) : ensemble_(ensemble), folder_(folder) {}

  Json describe_models() {
    Json models = Json::object();
    for (const Member& member : ensemble_.members) {
      const ModelConfig& model = member.model;
      if (models.contains(model.id)) continue;
      if (model.script.empty()) {
        models[model.id] = {{"name", model.name.value()}, {"stem", resolve_stem(model)}};
        continue;
      }
      const std::string script = read_file(model.script), name = fmt::format("{}/{}.pt", kExportScripts, model.id);
      add(name, script);
      models[model.id] = {{"script", name}, {"sha256", sha256(script)}};
    }
    return models;
  }

  Json describe_units() {
    Json units = Json::array();
    for (std::size_t u = 0; u < ensemble_.targets.units.size(); ++u) {
      const Unit& unit = ensemble_.targets.units[u];
      Json names = Json::array();
      for (const int target : unit.targets) names.push_back(ensemble_.targets.targets[std::size_t(target)].name);
      units.push_back({{"name", unit.name},
                       {"targets", names},
                       {"outputs", ensemble_.targets.outputs(unit)},
                       {"members", describe_members(static_cast<int>(u))}});
    }
    return units;
  }

  void add(const std::string& name, std::string_view bytes) {
    folder_.add(name, bytes);
    bytes_ += bytes.size();
  }

  std::uintmax_t bytes() const { return bytes_; }

 private:
  Json describe_members(int unit) {
    const auto is_mine = [unit](const Member& member) { return member.unit == unit; };
    Json members = Json::array();
    for (const Member& member : ensemble_.members) {
      if (!is_mine(member)) continue;
      const MemberFiles files = read_member(ensemble_, member);
      const std::string name = weights_name(ensemble_.targets.units[std::size_t(unit)], member);
      add(name, files.weights);
      Json codes = Json::array();
      for (const TargetCode& code : files.codes) codes.push_back(to_json(code));
      members.push_back({{"model", member.model.id},
                         {"weights", name},
                         {"sha256", files.sha256},
                         {"candidate", member.candidate},
                         {"codes", codes}});
    }
    return members;
  }

  const TrainedEnsemble& ensemble_;
  ExportFolder& folder_;
  std::uintmax_t bytes_ = 0;
};

}  // namespace

ExportedEnsemble export_ensemble(const fs::path& run, const fs::path& out) {
  const RunPaths paths{run};
  const TrainedEnsemble ensemble = read_ensemble(paths);
  ExportFolder folder(out, run);
  Exporter exporter(ensemble, folder);
  Json manifest{{"format", kExportFormat}, {"version", kExportVersion}, {"made_by", build_id()}};
  manifest["precision"] = ensemble.config.train.precision;
  manifest["preprocessing"] = describe_preprocessing(ensemble.record);
  manifest["views"] = {{"flip", ensemble.config.predict.flip}, {"shift", ensemble.config.predict.shift}};
  manifest["targets"] = describe_targets(ensemble);
  manifest["joint"] = describe_joint(ensemble.targets);
  manifest["models"] = exporter.describe_models();
  manifest["units"] = exporter.describe_units();
  exporter.add(kExportLoader, kExportedEnsemble);
  exporter.add(kExportManifest, manifest.dump(2) + "\n");
  folder.publish();
  return {.networks = ensemble.members.size(),
          .bytes = exporter.bytes(),
          .precision = ensemble.config.train.precision,
          .crops_photos = loader_crops(manifest["preprocessing"])};
}

}  // namespace pleat
