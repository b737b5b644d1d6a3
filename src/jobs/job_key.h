// A job's key: the hash of everything that determines its result, and of nothing else (not ranks, paths, hosts,
// clocks).
#pragma once

#include <string>

#include "base/fields.h"

namespace pleat {

/// 32 hex digits. The same JSON value gives the same key, whatever the order of its keys.
std::string job_key(const Json& identity);

/// Returns the dotted paths at which two JSON values differ, each as "train.lr: 0.001 -> 0.01".
std::vector<std::string> differing_fields(const Json& before, const Json& after);

}  // namespace pleat
