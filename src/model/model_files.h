// The files that a network starts from. Their contents are part of the job key.
#pragma once

#include <string>

#include "model/model_config.h"

namespace pleat {

/// SHA-256 of each file that a model's config names; empty if it names none.
struct ModelFiles {
  std::string script, weights;
};

/// Throws: DataError for a file that cannot be read.
ModelFiles hash_files(const ModelConfig& config);

/// Checks that all jobs of a run start from the same files. Empty entries of `files` are not checked.
/// Throws: DataError if a file has changed since `files` was made.
void require_unchanged(const ModelConfig& config, const ModelFiles& files);

}  // namespace pleat
