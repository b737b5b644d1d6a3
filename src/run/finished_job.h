// A finished job: packed by its slot, written by rank 0, read back by later steps.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "run/job_plan.h"
#include "run/run_folder.h"
#include "target/metrics.h"
#include "train/fold_trainer.h"

namespace pleat {

/// A job's result, as the slot's leader sends it to rank 0.
struct FinishedJob {
  std::string weights, predictions;  // bytes of the two safetensors files; a function of the job alone
  std::string state;                 // of a trunk, which has neither: bytes of its safetensors file
  std::vector<EpochReport> history;
  std::int64_t kept_epoch = 0;       // from 1: the epoch whose weights these are
  double seconds = 0;                // of the whole job, in this run
  std::vector<double> temperatures;  // of each head
  static constexpr auto members() {
    return std::tuple{&FinishedJob::weights,     &FinishedJob::predictions, &FinishedJob::state,
                      &FinishedJob::history,     &FinishedJob::kept_epoch,  &FinishedJob::seconds,
                      &FinishedJob::temperatures};
  }
};
FinishedJob pack_result(const PlannedJob& job, const FoldResult& result, double seconds);

/// The owner of a result. A sweep may remove the weights of its own results, and of no others.
enum class Owner { kRun, kSweep };

/// Writes the result on rank 0: done.json last. A result without weights is kept as drop_weights would leave it.
///   scores: of the held-out rows, for each head
void write_result(const std::filesystem::path& folder, const PlannedJob& job, const FinishedJob& finished,
                  const std::vector<Scores>& scores, Owner owner = Owner::kRun);

/// kScores: the result without its weights (drop_weights), or a trunk without its state (release_state).
enum class Held { kNothing, kScores, kWhole };
/// The part of this job's result that the folder holds: done.json with its key, and files with the checksums in it.
/// Warns of a damaged result; its job is done again.
Held held_result(const std::filesystem::path& folder, const std::string& key);

/// True if the folder holds the whole result.
inline bool is_done(const std::filesystem::path& folder, const std::string& key) {
  return held_result(folder, key) == Held::kWhole;
}

/// Removes the weights of a sweep's finished job and keeps its predictions and scores. No-op without weights, or if
/// pleat train has written the result.
/// Throws: DataError if the folder does not hold a finished job, or cannot be written.
void drop_weights(const std::filesystem::path& folder);

/// The same for any finished job. To be whole again, the job must be trained again.
void release_weights(const std::filesystem::path& folder);
/// The same for the state of a trunk.
void release_state(const std::filesystem::path& folder);

/// Throws: DataError if the folder does not hold a finished job, or one of its files was changed.
void require_unchanged(const std::filesystem::path& folder);

/// The predictions of one head. Tensors of absent rows are undefined.
struct JobPredictions {
  torch::Tensor held_out_rows, test_rows, unlabelled_rows;        // [n] int64 crop rows
  torch::Tensor held_out_logits, test_logits, unlabelled_logits;  // [n, C]
  torch::Tensor held_out_normal, test_normal, unlabelled_normal;  // [n, 2]; undefined unless trained as a number
};
/// `target`: the head's target in a network with several heads; empty for a network with one.
JobPredictions parse_predictions(const std::string& bytes, const std::string& target, const std::string& source);

/// The `target` argument of parse_predictions.
std::string head_name(const Unit& unit, const Target& target);

/// The codes of the unit's targets, from the done.json of a finished job. A done.json without codes, as the first
/// version wrote it, means plain classes.
std::vector<TargetCode> read_codes(const Json& done, const TargetPlan& plan, const Unit& unit,
                                   const std::string& source);

/// Reads done.json. Throws DataError naming it if it is damaged.
Json read_done(const std::filesystem::path& folder);

}  // namespace pleat
