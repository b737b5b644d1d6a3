// Makes samples.csv, with a row per photo, from a folder per person and a table of persons (the mask-image contest's
// layout). Lists all problems before it writes anything. Does not use OpenCV. Layout: docs/formats.md.
#pragma once

#include <cstddef>
#include <filesystem>

namespace pleat {

struct PersonFolders {
  std::filesystem::path csv;         // a row per person: id, gender, age, path (the name of their folder)
  std::filesystem::path images;      // the persons' folders, each with mask1 … mask5, incorrect_mask, normal
  std::filesystem::path unlabelled;  // further photos, all in one folder; empty: none
  std::filesystem::path out;         // samples.csv
};

struct PersonTable {
  std::size_t persons = 0, photos = 0, unlabelled = 0;
  std::filesystem::path root;  // base of the table's paths: `images`, or its common folder with `unlabelled`
};

/// Writes `out`. Columns: id, path, mask (wear, incorrect, normal), gender, age, person, split (train, unlabelled).
/// The labels and the person of unlabelled photos are empty.
/// Throws: DataError that lists up to a screenful of problems: a missing, doubled or unknown photo, a folder that is
/// missing or not in the table, two rows of one folder, an invalid gender or age.
PersonTable write_person_table(const PersonFolders& folders);

}  // namespace pleat
