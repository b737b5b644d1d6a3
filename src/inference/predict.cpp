#include "inference/predict.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <string_view>

#include "base/files.h"
#include "base/log.h"
#include "base/run_log.h"
#include "base/side_file.h"
#include "base/stop_signal.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "cluster/slot.h"
#include "inference/ensemble_blend.h"
#include "inference/label_scores.h"
#include "inference/member_files.h"
#include "inference/member_memory.h"
#include "inference/trained_ensemble.h"
#include "model/tensor_file.h"
#include "run/compute_place.h"
#include "run/conv_plans.h"
#include "run/run_paths.h"
#include "train/precision.h"
#include "train/predictor.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

fs::path scores_file(const fs::path& out) { return side_file(out, "scores.json"); }

// Finds a missing folder before hours of prediction.
void require_writable(const fs::path& out) {
  std::error_code error;
  const fs::path folder = out.has_parent_path() ? out.parent_path() : fs::path(".");
  if (fs::is_directory(out, error)) throw DataError("--out {} is a folder; give the name of a file", out.string());
  if (::access(folder.c_str(), F_OK) != 0) throw_file_error("write", out, errno);
  if (!fs::is_directory(folder, error)) throw_file_error("write", out, ENOTDIR);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) throw_file_error("write", out, errno);
}

void check_output(const fs::path& out, const fs::path& read) {
  require_replaceable(out, "id,split", "predictions file", read.empty() ? std::vector<fs::path>{} : std::vector{read});
  require_writable(out);
}

// Refuses crops of another shape. Warns of another preparation, which may cost accuracy.
void require_same_preparation(const CropFile& crops, const RunRecord::Data& trained_on) {
  const auto text = [](const ImageShape& shape) {
    return fmt::format("[{},{},{}]", shape.height, shape.width, shape.channels);
  };
  if (trained_on.shape != crops.shape()) {
    throw DataError(
        "{} has crops of {} (height, width, channels), but the run was trained on {}; prepare them with the same "
        "--size",
        crops.path().string(), text(crops.shape()), text(trained_on.shape));
  }
  for (const auto& [name, value] : trained_on.provenance) {
    const auto found = crops.provenance().find(name);
    const std::string other = found == crops.provenance().end() ? "" : found->second;
    if (other == value) continue;
    spdlog::warn("{} was prepared with {} = '{}', the run's crops with '{}'; prepare both alike, or predictions suffer",
                 crops.path().string(), name, other, value);
  }
}

// Per predicted row: whether the run trained on it. Scores on such rows are too good.
std::vector<bool> training_rows(const CropFile& crops, const std::vector<std::int64_t>& rows, const RunPaths& paths) {
  const std::vector<std::string>& ids = crops.table().column("id");
  const FoldPlan plan = read_folds(paths.folds());
  const std::set<std::string_view> trained(plan.ids.begin(), plan.ids.end());
  std::vector<bool> known;
  for (const std::int64_t row : rows) known.push_back(trained.contains(ids[std::size_t(row)]));
  return known;
}

void warn_of_known_rows(const CropFile& crops, const std::vector<bool>& known, const RunPaths& paths,
                        const TrainedEnsemble& ensemble) {
  const auto count = std::count(known.begin(), known.end(), true);
  if (count == 0) return;
  const TrainedRun& run = ensemble.runs.front();
  const bool same = run.record.data.hash == crops.hash();
  spdlog::warn(
      "{} of {} rows {} this run's training rows, which most of its models were trained on: their predictions say "
      "nothing about new images{}; held-out predictions are in {}",
      count, known.size(), same ? "are" : "have the ids of", same ? "" : " (give other photos other ids)",
      paths.oof(run.name.empty() ? run.round : 0).string());
}

std::vector<std::int64_t> valid_rows(const CropFile& crops) {
  std::vector<std::int64_t> rows;
  for (std::size_t row = 0; row < crops.rows(); ++row) {
    if (crops.valid(row)) rows.push_back(static_cast<std::int64_t>(row));
  }
  if (rows.empty())
    throw DataError("{} has no row with a picture to predict; prepare it with readable photos", crops.path().string());
  return rows;
}

/// The rows to predict, and the ensemble.
struct Prediction {
  TrainedEnsemble ensemble;
  CropFile crops;
  std::vector<std::int64_t> rows;
  std::vector<bool> known;  // by row: the run trained on it; on rank 0
};

// Every rank reads the files itself, so an error names the host that does not see them.
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
  const RunPaths paths{request.run};
  TrainedEnsemble ensemble = read_ensemble(paths);
  require_networks(ensemble, paths);
  for (TrainedRun& run : ensemble.runs) {
    run.config.cluster.device = request.device;
    run.config.cluster.shards = 1;
  }
  return ensemble;
}

Prediction plan_prediction(const PredictRequest& request, const MpiSession& session) {
  const RunPaths paths{request.run};
  if (session.rank() == 0) check_output(request.out, request.crops);
  Prediction plan{.ensemble = ensemble_for(request), .crops = CropFile(request.crops)};
  plan.rows = valid_rows(plan.crops);
  if (session.rank() == 0) {
    require_same_preparation(plan.crops, plan.ensemble.runs.front().record.data);
    plan.known = training_rows(plan.crops, plan.rows, paths);
    warn_of_known_rows(plan.crops, plan.known, paths, plan.ensemble);
    if (has_labels(plan.ensemble.targets(), plan.crops.table(), plan.rows))
      require_replaceable(scores_file(request.out), kScoresStart, "file of scores", {});
  }
  return plan;
}

MemberPrediction member_predictions(const Prediction& plan, const Member& member, const torch::Device& device) {
  const auto& [ensemble, crops, rows, known] = plan;
  const MemberFiles files = read_member(ensemble, member);
  const std::string source = (member.folder / kWeightsFile).string();
  const TrainedRun& run = ensemble.run_of(member);
  const int outputs = run.targets.outputs(ensemble.unit_of(member));
  const auto classifier = make_classifier(member.model, classifier_shape(crops.shape(), outputs), {});
  load_state(*classifier, tensors_from_bytes(files.weights, source).tensors, source);
  place_on(*classifier, device);
  const FastConv convolutions(plan_of(run.conv_plans, member.model.id));
  const torch::Tensor made = predict_logits(*classifier, crops, rows, outputs,
                                            {.norm = run.record.norm_of(member.model.id),
                                             .bf16 = run.config.train.precision == "bf16",
                                             .flip = run.config.predict.flip,
                                             .shift = run.config.predict.shift,
                                             .device = device});
  return {split_logits(files.codes, made), split_normals(files.codes, made)};
}

void write_predictions(const fs::path& out, const Prediction& plan, std::size_t models,
                       const std::vector<TargetProbs>& predicted) {
  const CropFile& crops = plan.crops;
  std::vector<std::string> ids, splits;
  const auto* split = crops.table().find("split");
  for (const std::int64_t row : plan.rows) {
    ids.push_back(crops.table().column("id")[std::size_t(row)]);
    splits.push_back(split ? csv_field((*split)[std::size_t(row)]) : "");
  }
  write_file(out, format_predictions(ids, splits, predicted));
  const std::size_t left_out = crops.rows() - plan.rows.size();
  spdlog::info("{}: {} predicted by {}{}", out.string(), counted(std::int64_t(plan.rows.size()), "row"),
               counted(std::int64_t(models), "model"),
               left_out ? fmt::format("; {} rows without a picture are not in it", left_out) : "");
}

// Whether the file can be read and begins like pleat's scores.
bool holds_scores(const fs::path& file) try {
  std::error_code ignored;
  return fs::is_regular_file(file, ignored) && read_file(file).starts_with(kScoresStart);
} catch (const Error&) {
  return false;
}

// Removes the scores of earlier predictions of that name, and the half that a killed process left. Other files stay.
void remove_scores(const fs::path& out) {
  const fs::path whole = scores_file(out);
  fs::path partial = whole;
  partial += ".partial";
  std::error_code ignored;
  for (const fs::path& file : {whole, partial}) {
    if (holds_scores(file)) fs::remove(file, ignored);
  }
}

// Scores the rows that have labels and that are in no fold.
void score_predictions(const fs::path& out, const Prediction& plan, const std::vector<TargetProbs>& predicted) {
  const TargetPlan& targets = plan.ensemble.targets();
  const SampleTable& table = plan.crops.table();
  const fs::path file = scores_file(out);
  if (!has_labels(targets, table, plan.rows)) return;
  std::vector<bool> scored = plan.known;
  scored.flip();
  const auto trained = static_cast<std::size_t>(std::count(plan.known.begin(), plan.known.end(), true));
  const std::vector<LabelScores> all = score_labels(targets, table, plan.rows, scored, predicted);
  if (all.empty()) return;  // only training rows have labels
  for (const LabelScores& each : all) {
    if (each.unknown == 0) continue;
    spdlog::warn(
        "target {}: {} a label that is no class of the run ({}) and cannot be scored; correct it, or ignore this "
        "warning",
        each.target, each.unknown == 1 ? "1 row has" : fmt::format("{} rows have", each.unknown),
        shown_names(each.unknown_labels));
  }
  print_result(scores_table(all));
  write_file(file, scores_json(all, out.filename().string(), trained, plan.ensemble.runs.front().config.score));
  spdlog::info("scores: {}{}", file.string(),
               trained ? fmt::format("; {} of the run {} not scored", counted(std::int64_t(trained), "training row"),
                                     trained == 1 ? "is" : "are")
                       : "");
}

// Fills in each member's predictions, in the ensemble's order, on rank 0. Returns the error that ended the job early.
std::optional<Error> predict_members(const Prediction& plan, const ComputePlace& place, const MpiSession& session,
                                     std::vector<MemberPrediction>& predicted_by) {
  const Slot slot(session, place.layout, place.device);
  const std::vector<Member>& members = plan.ensemble.members;
  JobQueue queue(static_cast<int>(members.size()));
  std::optional<Error> failure;  // an ensemble must be whole
  int predicted = 0;
  predicted_by.resize(members.size());
  const JobEvents events{.finished =
                             [&](int job, const std::string& bytes) {
                               predicted_by[std::size_t(job)] =
                                   member_prediction_from(bytes, plan.ensemble, members[std::size_t(job)]);
                               spdlog::info("{} of {} models have predicted", ++predicted, predicted_by.size());
                             },
                         .failed =
                             [&](int job, const std::string& message) {
                               failure = ClusterError("the model in {} could not predict, so nothing was written: {}",
                                                      members[std::size_t(job)].folder.string(), message);
                             },
                         .progressed = [](int, const std::string&) {}};
  const JobWork work = [&](int job, const std::string&) {
    if (stop_signal_received()) throw StopRequested("stopped on request; nothing was written");
    return to_bytes(member_predictions(plan, members[std::size_t(job)], place.device));
  };
  const std::optional<Error> ended =
      run_jobs(session, place.layout, slot, queue, events, [&](JobSource*) { return work; });
  return ended ? ended : failure;
}

}  // namespace

Provenance run_preparation(const PredictRequest& request, const fs::path& table, const MpiSession& session) {
  TrainedEnsemble ensemble;
  together(session.ranks(), [&] {
    on_every_host(session, [&] {
      if (session.rank() == 0) check_output(request.out, table);
      ensemble = ensemble_for(request);
    });
  });
  choose_place(ensemble.runs.front().config, session);  // throws for a missing device
  return ensemble.runs.front().record.data.provenance;
}

ExitCode predict_run(const PredictRequest& request, const MpiSession& session) {
  std::optional<Prediction> plan;
  together(session.ranks(), [&] { on_every_host(session, [&] { plan.emplace(plan_prediction(request, session)); }); });
  const ComputePlace place = choose_place(plan->ensemble.runs.front().config, session);
  for (const TrainedRun& run : plan->ensemble.runs) {
    if (!run.other_plans || place.device.is_cuda() || session.rank() != 0) continue;
    spdlog::warn(
        "{} is not the plan that the run was trained with, so the last digits of predictions may differ; restore it",
        run.paths.conv_plan().string());
  }
  check_memory(need_of_members(plan->ensemble, plan->crops.shape(), place.device, session.ranks()), place, session);
  std::vector<MemberPrediction> predicted_by;
  const std::optional<Error> ended = predict_members(*plan, place, session, predicted_by);
  on_rank_0(session.ranks(), [&] {
    if (ended) throw *ended;
    const std::vector<TargetProbs> predicted = blend_members(plan->ensemble, predicted_by);
    remove_scores(request.out);  // before: a kill must not leave them beside new predictions
    write_predictions(request.out, *plan, predicted_by.size(), predicted);
    score_predictions(request.out, *plan, predicted);
  });
  return ExitCode::kDone;
}

}  // namespace pleat
