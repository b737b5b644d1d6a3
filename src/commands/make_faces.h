// pleat make-faces: draws synthetic faces with known labels, in the layout of the mask-image contest.
#pragma once

#include "base/error.h"
#include "base/ranks.h"
#include "data_tools/drawn_faces/make_faces.h"

namespace CLI {
class App;
}

namespace pleat {

CLI::App* add_make_faces(CLI::App& program, MakeFacesOptions& options);

/// Collective: every rank calls it, only rank 0 draws.
/// Throws: UsageError, DataError.
ExitCode make_faces_verb(const MakeFacesOptions& options, const Ranks& ranks);

}  // namespace pleat
