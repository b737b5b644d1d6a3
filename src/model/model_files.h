// The files that a network starts from. Their contents are part of the job key.
#pragma once

#include <string>
#include <vector>

#include "model/model_config.h"

namespace pleat {

struct ModelFiles {
  std::string script, weights;    // SHA-256 of each file that a model's config names; empty if it names none
  std::vector<double> mean, std;  // per channel, of the images that the script was trained on; empty if it names none
  bool batch_norm = true;         // false: a script without BatchNorm, found by check_networks
};

/// Throws: DataError for a file that cannot be read, or a script that is not an archive (script_origin.h).
ModelFiles hash_files(const ModelConfig& config);

/// Checks that all jobs of a run start from the same files. Empty entries of `files` are not checked.
/// Throws: DataError if a file has changed since `files` was made.
void require_unchanged(const ModelConfig& config, const ModelFiles& files);

}  // namespace pleat
