// pleat make-faces: drawn faces with known truth, in the mask-image contest's layout.
#pragma once

#include "base/error.h"
#include "base/ranks.h"
#include "data_tools/make_faces.h"

namespace CLI {
class App;
}

namespace pleat {

CLI::App* add_make_faces(CLI::App& program, MakeFacesOptions& options);

/// Every rank must call it; rank 0 alone draws. Throws UsageError or DataError.
ExitCode run_make_faces(const MakeFacesOptions& options, const Ranks& ranks);

}  // namespace pleat
