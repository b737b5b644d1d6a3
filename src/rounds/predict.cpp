#include "rounds/predict.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <string_view>

#include "base/files.h"
#include "base/log.h"
#include "base/stop_signal.h"
#include "cluster/slot.h"
#include "model/tensor_file.h"
#include "rounds/compute_place.h"
#include "rounds/conv_plans.h"
#include "rounds/ensemble_blend.h"
#include "rounds/member_files.h"
#include "rounds/predictions_csv.h"
#include "rounds/run_folder.h"
#include "rounds/shared_value.h"
#include "rounds/trained_ensemble.h"
#include "train/precision.h"
#include "train/predictor.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// Hours of prediction must not end at a folder that is not there.
void require_writable(const fs::path& out) {
  std::error_code error;
  const fs::path folder = out.has_parent_path() ? out.parent_path() : fs::path(".");
  if (fs::is_directory(out, error)) throw DataError("--out {} is a folder; give the name of a file", out.string());
  if (::access(folder.c_str(), F_OK) != 0) throw_file_error("write", out, errno);
  if (!fs::is_directory(folder, error)) throw_file_error("write", out, ENOTDIR);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) throw_file_error("write", out, errno);
}

void check_output(const fs::path& out, const fs::path& read) {
  require_replaceable(out, "id,split", "predictions file", {read});
  require_writable(out);
}

// The network saw crops of one shape: others are refused. Made in another way, they may be judged worse: a warning.
void require_same_preparation(const CropFile& crops, const RunPaths& paths) {
  const Json data = Json::parse(read_file(paths.run())).at("data");
  const ImageShape& shape = crops.shape();
  const Json now{shape.height, shape.width, shape.channels};
  if (data.at("shape") != now) {
    throw DataError(
        "{} has crops of {} (height, width, channels), but the run was trained on {}; prepare them with the same "
        "--size",
        crops.path().string(), now.dump(), data.at("shape").dump());
  }
  for (const auto& [name, value] : data.at("provenance").items()) {
    const auto found = crops.provenance().find(name);
    const std::string other = found == crops.provenance().end() ? "" : found->second;
    if (other != value.get<std::string>()) {
      spdlog::warn(
          "{} was prepared with {} = '{}', the run's crops with '{}'; they should be prepared alike, or "
          "predictions suffer",
          crops.path().string(), name, other, value.get<std::string>());
    }
  }
}

// A model answers better for a row that it was trained on than it would for a new one.
void warn_of_known_rows(const CropFile& crops, const std::vector<std::int64_t>& rows, const RunPaths& paths) {
  const std::vector<std::string>& ids = crops.table().column("id");
  const FoldPlan plan = read_folds(paths.folds());
  const std::set<std::string_view> trained(plan.ids.begin(), plan.ids.end());
  const auto known = std::count_if(rows.begin(), rows.end(),
                                   [&](std::int64_t row) { return trained.contains(ids[std::size_t(row)]); });
  if (known == 0) return;
  const bool same = Json::parse(read_file(paths.run())).at("data").value("hash", "") == crops.hash();
  spdlog::warn(
      "{} of {} rows {} this run's training rows, for which most of its models know the answer: what is written for "
      "them says nothing of new images; their held-out predictions are in {}",
      known, rows.size(), same ? "are" : "have the ids of", paths.oof().string());
}

std::vector<std::int64_t> valid_rows(const CropFile& crops) {
  std::vector<std::int64_t> rows;
  for (std::size_t row = 0; row < crops.rows(); ++row) {
    if (crops.valid(row)) rows.push_back(static_cast<std::int64_t>(row));
  }
  if (rows.empty()) throw DataError("{} has no row with a picture, so nothing to predict", crops.path().string());
  return rows;
}

/// What is to be predicted, by whom.
struct Prediction {
  TrainedEnsemble ensemble;
  CropFile crops;
  std::vector<std::int64_t> rows;
};

// Every rank reads for itself: a host that does not see the files must be named.
template <class Read>
void on_every_host(const MpiSession& session, const Read& read) try {
  read();
} catch (const Error& error) {
  const auto hosts = session.hosts();
  const std::string& host = hosts[std::size_t(session.rank())];
  if (host == hosts[0]) throw;
  throw Error(error.code(), fmt::format("on host {} (rank {}): {}; every host must see the run folder and the crops",
                                        host, session.rank(), error.what()));
}

TrainedEnsemble ensemble_for(const PredictRequest& request) {
  TrainedEnsemble ensemble = read_ensemble(RunPaths{request.run});
  ensemble.config.cluster.device = request.device;
  ensemble.config.cluster.shards = 1;
  return ensemble;
}

Prediction plan_prediction(const PredictRequest& request, const MpiSession& session) {
  const RunPaths paths{request.run};
  if (session.rank() == 0) check_output(request.out, request.crops);
  Prediction plan{.ensemble = ensemble_for(request), .crops = CropFile(request.crops)};
  plan.rows = valid_rows(plan.crops);
  if (session.rank() == 0) {
    require_same_preparation(plan.crops, paths);
    warn_of_known_rows(plan.crops, plan.rows, paths);
  }
  return plan;
}

Said member_predictions(const Prediction& plan, const Member& member, const torch::Device& device) {
  const auto& [ensemble, crops, rows] = plan;
  const MemberFiles files = read_member(ensemble, member);
  const std::string source = (member.folder / kWeightsFile).string();
  const Unit& unit = ensemble.targets.units[std::size_t(member.unit)];
  const int outputs = ensemble.targets.outputs(unit);
  const auto classifier = make_classifier(member.model, classifier_shape(crops.shape(), outputs), {});
  load_state(*classifier, tensors_from_bytes(files.weights, source).tensors, source);
  place_on(*classifier, device);
  const FastConv convolutions(plan_of(ensemble.conv_plans, member.model.id));
  const torch::Tensor made = predict_logits(*classifier, crops, rows, outputs,
                                            {.norm = ensemble.norm,
                                             .bf16 = ensemble.config.train.precision == "bf16",
                                             .flip = ensemble.config.predict.flip,
                                             .shift = ensemble.config.predict.shift,
                                             .device = device});
  return {split_logits(files.codes, made), split_normals(files.codes, made)};
}

void write_predictions(const fs::path& out, const Prediction& plan, const std::vector<Said>& said) {
  const auto& [ensemble, crops, rows] = plan;
  std::vector<std::string> ids, splits;
  const auto* split = crops.table().find("split");
  for (const std::int64_t row : rows) {
    ids.push_back(crops.table().column("id")[std::size_t(row)]);
    splits.push_back(split ? csv_field((*split)[std::size_t(row)]) : "");
  }
  write_file(out, format_predictions(ids, splits, blend_members(ensemble, said)));
  const std::size_t left_out = crops.rows() - rows.size();
  spdlog::info("{}: {} rows predicted by {} models{}", out.string(), rows.size(), said.size(),
               left_out ? fmt::format("; {} rows without a picture are not in it", left_out) : "");
}

// What each member says, in the ensemble's order, on rank 0. Returns what ended it early.
std::optional<Error> predict_members(const Prediction& plan, const ComputePlace& place, const MpiSession& session,
                                     std::vector<Said>& said) {
  const Slot slot(session, place.layout, place.device);
  const std::vector<Member>& members = plan.ensemble.members;
  JobQueue queue(static_cast<int>(members.size()));
  std::optional<Error> failure;  // an ensemble without one of its members would be another ensemble
  int predicted = 0;
  said.resize(members.size());
  const JobEvents events{.finished =
                             [&](int job, const std::vector<std::string>& parts) {
                               said[std::size_t(job)] =
                                   said_from(parts.at(0), plan.ensemble, members[std::size_t(job)]);
                               spdlog::info("{} of {} models have predicted", ++predicted, said.size());
                             },
                         .failed =
                             [&](int job, const std::string& message) {
                               failure = ClusterError("the model in {} could not predict, so nothing was written: {}",
                                                      members[std::size_t(job)].folder.string(), message);
                             },
                         .progressed = [](int, const std::string&) {}};
  const JobWork work = [&](int job) -> std::vector<std::string> {
    if (stop_signal_received()) throw StopRequested("stopped on request; nothing was written");
    return {to_bytes(member_predictions(plan, members[std::size_t(job)], place.device))};
  };
  const std::optional<Error> ended =
      run_jobs(session, place.layout, slot, queue, events, [&](JobSource*) { return work; });
  return ended ? ended : failure;
}

}  // namespace

Provenance run_preparation(const PredictRequest& request, const fs::path& table, const MpiSession& session) {
  TrainedEnsemble ensemble;
  Provenance facts;
  together(session.ranks(), [&] {
    on_every_host(session, [&] {
      const RunPaths paths{request.run};
      if (session.rank() == 0) check_output(request.out, table);
      ensemble = ensemble_for(request);
      const Json run = Json::parse(read_file(paths.run()));  // whole: the ensemble was read from it
      for (const auto& [name, value] : run.at("data").at("provenance").items()) facts[name] = value.get<std::string>();
    });
  });
  choose_place(ensemble.config, session);  // throws for a device that is not there
  return facts;
}

ExitCode predict_run(const PredictRequest& request, const MpiSession& session) {
  std::optional<Prediction> plan;
  together(session.ranks(), [&] { on_every_host(session, [&] { plan.emplace(plan_prediction(request, session)); }); });
  const ComputePlace place = choose_place(plan->ensemble.config, session);
  if (plan->ensemble.other_plans && !place.device.is_cuda() && session.rank() == 0) {
    spdlog::warn(
        "{} is not what the run was trained by, so the last digits of predictions may differ from its own; put it back",
        RunPaths{request.run}.conv_plan().string());
  }
  std::vector<Said> said;
  const std::optional<Error> ended = predict_members(*plan, place, session, said);
  from_rank_0(session.ranks(), [&] {
    if (ended) throw *ended;
    write_predictions(request.out, *plan, said);
    return std::string();
  });
  return ExitCode::kDone;
}

}  // namespace pleat
