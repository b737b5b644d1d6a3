// From a folder per person and a table of persons, the mask-image contest's layout, to samples.csv with a row per
// photo. Strict: every problem is listed before anything is written. Free of OpenCV. Layout: docs/formats.md.
#pragma once

#include <cstddef>
#include <filesystem>

namespace pleat {

struct PersonFolders {
  std::filesystem::path csv;         // a row per person: id, gender, age, path (the name of their folder)
  std::filesystem::path images;      // those folders, each with mask1 … mask5, incorrect_mask, normal
  std::filesystem::path unlabelled;  // further photos, all in one folder; empty: there are none
  std::filesystem::path out;         // samples.csv
};

struct PersonTable {
  std::size_t persons = 0, photos = 0, unlabelled = 0;
  std::filesystem::path root;  // what the table's paths start from: `images`, or the folder it shares with `unlabelled`
};

/// Writes `out`: id, path, mask (wear, incorrect, normal), gender, age, person, split (train, unlabelled); the labels
/// and the person of unlabelled photos are empty. Throws DataError that names them all, up to a screenful: a missing,
/// doubled or unknown photo, a folder that is missing or not in the table, two rows of one folder, a gender or age that
/// is none.
PersonTable write_person_table(const PersonFolders& folders);

}  // namespace pleat
