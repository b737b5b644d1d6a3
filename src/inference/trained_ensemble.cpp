#include "inference/trained_ensemble.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "run/job_plan.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// The round that is the run's result, and whether a job of it has failed. Until there were rounds, summary.json named
// none.
struct ResultRound {
  int index = 0;
  bool failed = false;
};

ResultRound result_round(const RunPaths& paths) {
  ResultRound round{.failed = file_exists(paths.failures())};
  if (!file_exists(paths.summary())) return round;
  const Json summary = parse_json_or_null(read_file(paths.summary()));
  if (!summary.is_object() || !summary.contains("result_round")) return round;
  round.index = summary["result_round"];
  round.failed = round.failed && summary.at("rounds").at(std::size_t(round.index)).value("failed", 1) > 0;
  return round;
}

void require_finished(const RunPaths& paths, const ResultRound& round) {
  if (file_exists(paths.root / "sweep.json"))
    throw DataError("{} is a sweep; give the run of a cell, a folder in {} (best.yaml names the best), or its ensemble",
                    paths.root.string(), (paths.root / "trials").string());
  if (round.failed) {
    throw DataError(
        "the run in {} has failed jobs, so it has no whole ensemble (see {}); run pleat train to its end first",
        paths.root.string(), paths.failures().string());
  }
  if (!file_exists(paths.root))
    throw DataError("{} holds no finished run: there is no such folder; correct the path", paths.root.string());
  if (!file_exists(paths.ensemble(round.index))) {
    throw DataError("{} holds no finished run ({} is missing); run pleat train to its end first", paths.root.string(),
                    paths.ensemble(round.index).string());
  }
}

// The run's copy of a scripted model's network.
std::string script_of(const RunPaths& paths, const std::string& model, const RunRecord& record) {
  const std::string file = paths.script(model).string();
  const auto recorded = record.scripts.find(model);
  if (recorded == record.scripts.end() || sha256(read_file(file)) != recorded->second)
    throw DataError("{} was changed after it was written", file);
  return file;
}

// The config's targets with the classes found in the run's data.
std::vector<Target> recorded_targets(const RunConfig& config, const RunRecord& record) {
  std::vector<Target> targets;
  for (std::size_t t = 0; t < config.targets.size(); ++t) {
    const TargetConfig& given = config.targets[t];
    const RunRecord::RecordedTarget& recorded = record.targets.at(t);
    targets.push_back({.name = recorded.name,
                       .column = recorded.column,
                       .classes = recorded.classes,
                       .edges = given.edges,
                       .train_edges = given.train_edges,
                       .bins = static_cast<int>(given.bins),
                       .bin_spread = given.bin_spread,
                       .regress = given.regress,
                       .weight = given.weight});
  }
  return targets;
}

// Until ensembles were chosen, ensemble.json had members of equal weights and no weights of models.
Blend read_blend(const Json& described, const std::vector<std::string>& candidates, const Target& target) {
  if (!described.contains("members")) return {};
  const auto count = candidates.size();
  if (!described.contains("weights")) return {"mean", std::vector<double>(count, 1.0 / double(count)), {}};
  if (described.at("models").get<std::vector<std::string>>() != candidates)
    throw DataError("its ensemble has other models than its config");
  return blend_from_json(described, count, target.size(), target.name);
}

TrainedRun read_trained_run(const RunPaths& paths, const std::string& name, int round) {
  TrainedRun run{.name = name, .paths = paths, .round = round};
  if (!name.empty() && !file_exists(paths.config()))
    throw DataError("{} is missing; run pleat ensemble again", paths.config().string());
  run.config = read_fields<RunConfig>(read_config(paths.config()));
  if (run.config.cluster.fast_conv) run.conv_plans = read_conv_plans(paths);
  run.record = read_run_record(paths);
  if (run.record.targets.size() != run.config.targets.size()) {
    throw DataError("{} has {} and {} has {}; restore the files, or train in another folder with --run",
                    paths.config().string(), counted(std::int64_t(run.config.targets.size()), "target"),
                    paths.run().string(), run.record.targets.size());
  }
  return run;
}

// Plans the targets, and lets the models start from the run's own files.
void complete(TrainedRun& run) {
  run.other_plans = run.record.computed_by.conv_plan != hash_of(run.conv_plans);
  run.targets = plan_targets(run.config, recorded_targets(run.config, run.record));
  for (ModelConfig& model : run.config.models) {
    model.weights.clear();  // the trained weights replace them
    if (!model.script.empty()) model.script = script_of(run.paths, model.id, run.record);
  }
}

// The runs that ensemble.json names, or the one in this folder.
std::vector<TrainedRun> read_runs(const RunPaths& paths, const Json& described, int round) {
  if (!described.is_object())
    throw DataError("{} is damaged; run pleat train or pleat ensemble again", paths.ensemble(round).string());
  if (!described.contains("runs")) return {read_trained_run(paths, "", round)};
  std::vector<TrainedRun> runs;
  for (const Json& run : described["runs"]) {
    const std::string name = run.at("name");
    const bool is_folder =
        !name.empty() && name.front() != '.' && name.find_first_not_of(kFolderNameLetters) == std::string::npos;
    if (!is_folder || !run.at("round").is_number_unsigned()) {
      throw DataError("{} has an odd run ('{}', round {}); run pleat ensemble again", paths.ensemble(round).string(),
                      shown(name), run.at("round").dump());
    }
    runs.push_back(read_trained_run(paths.joined_run(name), name, run.at("round")));
  }
  if (runs.empty()) throw DataError("{} names no run; run pleat ensemble again", paths.ensemble(round).string());
  return runs;
}

std::vector<std::string> name_candidates(std::vector<TrainedRun>& runs, const Json& described) {
  std::vector<std::string> names;
  for (TrainedRun& run : runs) {
    run.first_candidate = names.size();
    for (const ModelConfig& model : run.config.models)
      names.push_back(run.name.empty() ? model.id : candidate_name(run.name, model.id));
  }
  for (const Json& table : described.value("tables", Json::array())) names.push_back(table.at("name"));
  return names;
}

template <class List, class Is>
int place_in(const List& list, const Is& is, const char* what, const Json& name) {
  const auto found = std::find_if(list.begin(), list.end(), is);
  if (found == list.end()) throw DataError("its ensemble has the unknown {} {}", what, name.dump());
  return static_cast<int>(found - list.begin());
}

// Reads a member. Only an ensemble of several runs names the run and the unit.
Member read_member_of(const Json& json, int target, const TrainedEnsemble& ensemble) {
  Member member;
  if (json.contains("run"))
    member.run = place_in(
        ensemble.runs, [&](const TrainedRun& run) { return run.name == json["run"]; }, "run", json["run"]);
  const TrainedRun& run = ensemble.runs[std::size_t(member.run)];
  const auto trains = [&](const Unit& unit) {
    if (json.contains("unit")) return unit.name == json["unit"];
    return std::find(unit.targets.begin(), unit.targets.end(), target) != unit.targets.end();
  };
  member.unit = place_in(run.targets.units, trains, "unit", json.value("unit", ""));
  const int model = place_in(
      run.config.models, [&](const ModelConfig& each) { return each.id == json.at("model"); }, "model",
      json.at("model"));
  member.model = run.config.models[std::size_t(model)];
  member.candidate = static_cast<int>(run.first_candidate) + model;
  const std::string& unit = run.targets.units[std::size_t(member.unit)].name;
  const FoldId fold{json.at("fold")};
  const int part = json.value("part", -1);
  member.folder = run.paths.fold(run.round, unit, member.model.id, fold, part);
  member.job = job_name(unit, member.model.id, fold, run.round, part);
  return member;
}

// All members, each once: targets may share them. Ordered by run, unit, candidate, fold and part.
void add_members(const Json& targets, TrainedEnsemble& ensemble) {
  std::map<std::tuple<int, int, int, int, int>, Member> members;
  for (std::size_t t = 0; t < ensemble.blends.size(); ++t) {
    const Json& described = targets.at(ensemble.targets().targets[t].name);
    for (const Json& json : described.value("members", Json::array())) {
      const Member member = read_member_of(json, static_cast<int>(t), ensemble);
      members[{member.run, member.unit, member.candidate, json.at("fold"), json.value("part", -1)}] = member;
    }
  }
  for (auto& [place, member] : members) ensemble.members.push_back(std::move(member));
}

// The command that repairs the folder.
const char* remedy_for(const Json& described) {
  return described.is_object() && described.contains("runs")
             ? "run pleat ensemble again"
             : "run pleat train again in that folder, and if it refuses, in another";
}

}  // namespace

std::string candidate_name(const std::string& run, const std::string& model) { return run + ":" + model; }

TrainedEnsemble read_ensemble(const RunPaths& paths) {
  ResultRound round;
  try {
    round = result_round(paths);
  } catch (const Json::exception& error) {
    throw DataError("{} is damaged ({}); run pleat train again in that folder", paths.summary().string(), error.what());
  }
  require_finished(paths, round);
  TrainedEnsemble ensemble;
  Json described;
  const auto damaged = [&](const std::exception& error) {
    return DataError("the run in {} is damaged ({}); {}", paths.root.string(), error.what(), remedy_for(described));
  };
  try {
    described = parse_json(read_file(paths.ensemble(round.index)));
    ensemble.runs = read_runs(paths, described, round.index);
  } catch (const Json::exception& error) {
    throw damaged(error);
  }
  try {
    for (TrainedRun& run : ensemble.runs) complete(run);
    ensemble.candidates = name_candidates(ensemble.runs, described);
    ensemble.tables = described.value("tables", Json::array()).size();
    const Json& targets = described.at("targets");
    for (const Target& target : ensemble.targets().targets)
      ensemble.blends.push_back(read_blend(targets.at(target.name), ensemble.candidates, target));
    add_members(targets, ensemble);
  } catch (const std::exception& error) {
    throw damaged(error);
  }
  return ensemble;
}

void require_networks(const TrainedEnsemble& ensemble, const RunPaths& paths) {
  for (std::size_t c = ensemble.candidates.size() - ensemble.tables; c < ensemble.candidates.size(); ++c) {
    for (const Blend& blend : ensemble.blends) {
      if (blend.method.empty() || !blend.uses(c)) continue;
      throw DataError(
          "the ensemble in {} uses the table '{}', which has no networks, so it cannot predict new images; run pleat "
          "ensemble without that table",
          paths.root.string(), ensemble.candidates[c]);
    }
  }
}

}  // namespace pleat
