#include "inference/export.h"

#include <algorithm>

#include "base/build_info.h"
#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "exported_loader.h"  // kExportedLoader: the files of exported/, by cmake/embed_files.cmake
#include "inference/export_folder.h"
#include "inference/member_files.h"
#include "inference/python_program.h"
#include "inference/trained_ensemble.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr int kExportVersion = 4;  // format version; exported/ reads only this version

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
          {"provenance", provenance}};
}

// Mirrors exported/loader/photos.py.
bool loader_crops(const Json& preprocessing) {
  return (preprocessing["crop"] == "none" || preprocessing["crop"] == "center") &&
         preprocessing["background"] == "keep";
}

Json describe_targets(const TrainedEnsemble& ensemble) {
  Json targets = Json::array();
  for (std::size_t t = 0; t < ensemble.targets().targets.size(); ++t) {
    const Target& target = ensemble.targets().targets[t];
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

// The run's name if there are several, and the parts of job_name, joined by a character that no model or target has.
std::string weights_name(const TrainedEnsemble& ensemble, const Member& member) {
  const std::string& run = ensemble.run_of(member).name;
  return fmt::format("{}/{}{}{}+{}+{}.safetensors", kExportWeights, run, run.empty() ? "" : "+",
                     ensemble.unit_of(member).name, member.model.id, member.folder.filename().string());
}

// Describes the ensemble and adds its files.
class Exporter {
 public:
  Exporter(const TrainedEnsemble& ensemble, ExportFolder& folder) : ensemble_(ensemble), folder_(folder) {}

  // By candidate.
  Json describe_models() {
    Json models = Json::object();
    for (const Member& member : ensemble_.members) {
      const ModelConfig& model = member.model;
      const std::string& id = name_of(member);
      if (models.contains(id)) continue;
      const PixelNorm& norm = ensemble_.run_of(member).record.norm_of(model.id);
      models[id] = {{"mean", norm.mean}, {"std", norm.std}};
      if (model.script.empty()) {
        models[id].update({{"name", model.name.value()}, {"stem", resolve_stem(model)}});
        continue;
      }
      const std::string& run = ensemble_.run_of(member).name;
      const std::string script = read_file(model.script);
      const std::string name = fmt::format("{}/{}{}{}.pt", kExportScripts, run, run.empty() ? "" : "+", model.id);
      add(name, script);
      models[id].update({{"script", name}, {"sha256", sha256(script)}});
    }
    return models;
  }

  // Each run's networks, and the facts that are common to them.
  Json describe_runs() {
    Json runs = Json::array();
    for (std::size_t r = 0; r < ensemble_.runs.size(); ++r) {
      const TrainedRun& run = ensemble_.runs[r];
      const Json views{{"flip", run.config.predict.flip}, {"shift", run.config.predict.shift}};
      runs.push_back({{"precision", run.config.train.precision},
                      {"views", views},
                      {"joint", describe_joint(run.targets)},
                      {"units", describe_units(static_cast<int>(r))}});
    }
    return runs;
  }

  void add(const std::string& name, std::string_view bytes) {
    folder_.add(name, bytes);
    bytes_ += bytes.size();
  }

  std::uintmax_t bytes() const { return bytes_; }

 private:
  const std::string& name_of(const Member& member) const { return ensemble_.candidates[std::size_t(member.candidate)]; }

  Json describe_units(int run) {
    const TargetPlan& plan = ensemble_.runs[std::size_t(run)].targets;
    Json units = Json::array();
    for (std::size_t u = 0; u < plan.units.size(); ++u) {
      Json names = Json::array();
      for (const int target : plan.units[u].targets) names.push_back(plan.targets[std::size_t(target)].name);
      units.push_back({{"name", plan.units[u].name},
                       {"targets", names},
                       {"outputs", plan.outputs(plan.units[u])},
                       {"members", describe_members(run, static_cast<int>(u))}});
    }
    return units;
  }

  Json describe_members(int run, int unit) {
    Json members = Json::array();
    for (const Member& member : ensemble_.members) {
      if (member.run != run || member.unit != unit) continue;
      const MemberFiles files = read_member(ensemble_, member);
      const std::string name = weights_name(ensemble_, member);
      add(name, files.weights);
      Json codes = Json::array();
      for (const TargetCode& code : files.codes) codes.push_back(to_json(code));
      members.push_back({{"model", name_of(member)},
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

// The converter prints one line: its result, or "ensemble.py: " and the error.
std::string last_line(std::string output) {
  while (!output.empty() && output.back() == '\n') output.pop_back();
  const std::size_t begin = output.rfind('\n');
  if (begin != std::string::npos) output.erase(0, begin + 1);
  constexpr std::string_view kProgram = "ensemble.py: ";
  if (output.starts_with(kProgram)) output.erase(0, kProgram.size());
  return output;
}

// Runs the loader's converter in the folder's temporary place. Returns its result for the log.
std::string write_onnx(ExportFolder& folder, std::uintmax_t& bytes) {
  const fs::path loader = folder.aside() / kExportLoader, made = folder.aside() / kExportOnnx;
  const std::string python = python_command();
  spdlog::info("writes {} with {}", kExportOnnx, python);
  const PythonResult result = run_python({loader.string(), "--onnx", made.string()});
  const std::string said = last_line(result.output);
  if (result.status == static_cast<int>(ExitCode::kUsage))
    throw UsageError("{} {}, or set PLEAT_PYTHON to another Python", python, said);
  if (result.status != 0) {
    throw DataError(
        "{0} could not write the ONNX file (exit code {1}): {2}; run it by hand to see all: export without --onnx, "
        "then {0} DIR/{3} --onnx FILE.onnx",
        python, result.status, said.empty() ? "it was killed or crashed" : said, kExportLoader);
  }
  bytes += folder.adopt(kExportOnnx);
  if (file_exists(folder.aside() / kExportOnnxWeights)) bytes += folder.adopt(kExportOnnxWeights);
  return said;
}

}  // namespace

ExportedEnsemble export_ensemble(const fs::path& run, const fs::path& out, bool onnx) {
  const RunPaths paths{run};
  const TrainedEnsemble ensemble = read_ensemble(paths);
  require_networks(ensemble, paths);
  ExportFolder folder(out, run);
  Exporter exporter(ensemble, folder);
  Json manifest{{"format", kExportFormat}, {"version", kExportVersion}, {"made_by", build_id()}};
  manifest["preprocessing"] = describe_preprocessing(ensemble.runs.front().record);
  manifest["targets"] = describe_targets(ensemble);
  manifest["models"] = exporter.describe_models();
  manifest["runs"] = exporter.describe_runs();
  for (const EmbeddedFile& file : kExportedLoader) exporter.add(std::string(file.name), file.text);
  exporter.add(kExportManifest, manifest.dump(2) + "\n");
  std::uintmax_t bytes = exporter.bytes();
  const std::string made_onnx = onnx ? write_onnx(folder, bytes) : "";
  folder.publish();
  return {.networks = ensemble.members.size(),
          .bytes = bytes,
          .bf16 = std::any_of(ensemble.runs.begin(), ensemble.runs.end(),
                              [](const TrainedRun& run) { return run.config.train.precision == "bf16"; }),
          .crops_photos = loader_crops(manifest["preprocessing"]),
          .onnx = made_onnx};
}

}  // namespace pleat
