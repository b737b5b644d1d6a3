// pleat person-folders: samples.csv of a folder per person and a table of persons.
#pragma once

#include "base/error.h"
#include "base/ranks.h"
#include "data_tools/person_folders.h"

namespace CLI {
class App;
}

namespace pleat {

CLI::App* add_person_folders(CLI::App& program, PersonFolders& folders);

/// Every rank must call it; rank 0 alone writes. Throws UsageError or DataError.
ExitCode run_person_folders(const PersonFolders& folders, const Ranks& ranks);

}  // namespace pleat
