// Identifies this build. All ranks of a run must use the same one.
#pragma once

#include <string>

namespace pleat {

std::string version();  // "0.1.0"
/// Short hash, then "-dirty-" and a hash of the changes if sources were changed; "unknown" outside git.
std::string git_commit();
/// Version, commit, compiler and LibTorch. Builds with the same id compute the same results.
std::string build_id();

}  // namespace pleat
