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

namespace pleat {

/// What travels: {weights.safetensors, predictions.safetensors, facts as JSON}, made by the slot's leader. The two
/// files depend on nothing but the job; times and layout are in the facts.
std::vector<std::string> pack_result(const PlannedJob& job, const FoldResult& result, double seconds);

/// Rank 0 writes it: files first, done.json last. `scores`: of the fold's held-out rows.
void write_result(const std::filesystem::path& folder, const PlannedJob& job, const std::vector<std::string>& parts,
                  const Scores& scores);

/// True if the folder holds this job's whole result: done.json with its key, files with the sums it names. A result
/// that is there but damaged is named in a warning, and will be made again.
bool is_done(const std::filesystem::path& folder, const std::string& key);

/// Held-out and other rows with their logits, as read back.
struct JobPredictions {
  torch::Tensor held_out_rows, held_out_logits, test_logits,
      unlabelled_logits;  // rows: int64 crop rows; logits [n, C]; undefined if none
};
JobPredictions parse_predictions(const std::string& bytes, const std::string& source);

/// done.json of a finished job.
Json read_done(const std::filesystem::path& folder);

}  // namespace pleat
