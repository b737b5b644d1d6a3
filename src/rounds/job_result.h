// A finished job, on its way from the slot to the run folder, and back when a later step asks for it.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "rounds/job_plan.h"
#include "rounds/run_folder.h"
#include "target/metrics.h"
#include "train/fold_trainer.h"

namespace pleat {

/// What travels: {weights.safetensors, predictions.safetensors, facts as JSON}, made by the slot's leader. The two
/// files depend on nothing but the job; times and layout are in the facts.
std::vector<std::string> pack_result(const PlannedJob& job, const FoldResult& result, double seconds);

/// Rank 0 writes it: files first, done.json last. `scores`: of the fold's held-out rows, for each head.
void write_result(const std::filesystem::path& folder, const PlannedJob& job, const std::vector<std::string>& parts,
                  const std::vector<Scores>& scores);

/// True if the folder holds this job's whole result: done.json with its key, files with the sums it names. A result
/// that is there but damaged is named in a warning, and will be made again.
bool is_done(const std::filesystem::path& folder, const std::string& key);

/// Held-out and other rows with the class logits of one head, as read back.
struct JobPredictions {
  torch::Tensor held_out_rows, held_out_logits, test_logits,
      unlabelled_logits;  // rows: int64 crop rows; logits [n, C]; undefined if none
  torch::Tensor held_out_normal, test_normal, unlabelled_normal;  // [n, 2]; undefined unless taught as a number
};
/// `target`: the head's, of a network that has several; empty for a network that has one.
JobPredictions parse_predictions(const std::string& bytes, const std::string& target, const std::string& source);

/// What parse_predictions is to be asked for.
std::string head_name(const Unit& unit, const Target& target);

/// How the unit's outputs of this finished job are read, from its done.json: one code for each of its targets. Runs
/// from before there was anything but classes say nothing, which means that.
std::vector<TargetCode> read_codes(const Json& done, const TargetPlan& plan, const Unit& unit,
                                   const std::string& source);

/// done.json of a finished job.
Json read_done(const std::filesystem::path& folder);

}  // namespace pleat
