// pleat train --dry-run: describes the plan of a run, its memory and its disk space.
#pragma once

#include <string>

#include "run/run_setup.h"

namespace pleat {

/// Rows per class, groups, slots, jobs (marking those that the folder holds already), memory per rank (scaled from two
/// small training steps) and disk. Reads only.
std::string describe_dry_run(const Run& run, const Round& round);

}  // namespace pleat
