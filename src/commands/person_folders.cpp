#include "commands/person_folders.h"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include "base/wording.h"
#include "commands/photo_crops.h"

namespace pleat {

CLI::App* add_person_folders(CLI::App& program, PersonFolders& folders) {
  CLI::App* verb = program.add_subcommand(
      "person-folders", "Write samples.csv for photos in one folder per person, the layout of make-faces");
  verb->add_option("--csv", folders.csv, "CSV with one row per person: id, gender, age, path (the folder's name)")
      ->type_name("FILE")
      ->required();
  verb->add_option("--images", folders.images,
                   "folder with one subfolder per person; each holds mask1 to mask5, incorrect_mask and normal (.jpg, "
                   ".png or another photo's ending)")
      ->type_name("DIR")
      ->required();
  verb->add_option("--unlabelled", folders.unlabelled,
                   "folder with photos without labels; paths in the table are then relative to the common parent "
                   "folder")
      ->type_name("DIR");
  verb->add_option("--out", folders.out, "samples.csv to write")->type_name("FILE")->required();
  return verb;
}

ExitCode person_folders_verb(const PersonFolders& folders, const Ranks& ranks) {
  on_rank_0(ranks, [&] {
    const PersonTable made = write_person_table(folders);
    spdlog::info("{}: {} photos of {} persons, {} unlabelled photos", folders.out.string(), grouped(made.photos),
                 grouped(made.persons), grouped(made.unlabelled));
    spdlog::info("next: {}", prepare_command(folders.out, made.root));
  });
  return ExitCode::kDone;
}

}  // namespace pleat
