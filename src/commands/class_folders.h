// pleat class-folders: samples.csv of a folder per class.
#pragma once

#include "base/error.h"
#include "base/ranks.h"
#include "data_tools/class_folders.h"

namespace CLI {
class App;
}

namespace pleat {

CLI::App* add_class_folders(CLI::App& program, ClassFolders& folders);

/// Every rank must call it; rank 0 alone writes. Throws UsageError or DataError.
ExitCode run_class_folders(const ClassFolders& folders, const Ranks& ranks);

}  // namespace pleat
