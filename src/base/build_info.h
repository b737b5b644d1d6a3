// Which build this is: ranks that compute together must be of the same one.
#pragma once

#include <string>

namespace pleat {

std::string version();     // "0.1.0"
std::string git_commit();  // short hash, then "-dirty-" and a hash of the changes if there are any; "unknown" outside git
std::string build_id();    // version, commit, compiler and LibTorch: what two builds that compute the same have in common

}  // namespace pleat
