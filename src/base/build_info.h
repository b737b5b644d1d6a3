// Which build this is: ranks that compute together must be of the same one.
#pragma once

#include <string>

namespace pleat {

std::string version();  // "0.1.0"
/// Short hash, then "-dirty-" and a hash of the changes if sources were changed; "unknown" outside git.
std::string git_commit();
/// Version, commit, compiler and LibTorch: what two builds that compute the same have in common.
std::string build_id();

}  // namespace pleat
