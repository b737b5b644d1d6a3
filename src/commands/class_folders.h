// pleat class-folders: writes samples.csv for photos in one folder per class.
#pragma once

#include "base/error.h"
#include "base/ranks.h"
#include "data_tools/tables/class_folders.h"

namespace CLI {
class App;
}

namespace pleat {

CLI::App* add_class_folders(CLI::App& program, ClassFolders& folders);

/// Collective: every rank calls it, only rank 0 writes.
/// Throws: UsageError, DataError.
ExitCode class_folders_verb(const ClassFolders& folders, const Ranks& ranks);

}  // namespace pleat
