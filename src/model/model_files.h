// The files that a network starts from: what is in them is part of a job's identity.
#pragma once

#include <string>

#include "model/classifier.h"

namespace pleat {

/// SHA-256 of each file that a model's config names; empty for one that is not given.
struct ModelFiles {
  std::string script, weights;
};

/// Throws DataError for a file that cannot be read.
ModelFiles hash_files(const ModelConfig& config);

/// Throws DataError if a file is not what it was when `files` was made: jobs of a run must all start from the same.
/// What `files` leaves empty is not looked at.
void require_unchanged(const ModelConfig& config, const ModelFiles& files);

}  // namespace pleat
