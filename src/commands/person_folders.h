// pleat person-folders: writes samples.csv for photos in one folder per person, with a table of persons.
#pragma once

#include "base/error.h"
#include "base/ranks.h"
#include "data_tools/tables/person_folders.h"

namespace CLI {
class App;
}

namespace pleat {

CLI::App* add_person_folders(CLI::App& program, PersonFolders& folders);

/// Collective: every rank calls it, only rank 0 writes.
/// Throws: UsageError, DataError.
ExitCode person_folders_verb(const PersonFolders& folders, const Ranks& ranks);

}  // namespace pleat
