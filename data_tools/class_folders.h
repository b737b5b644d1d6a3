// From a folder per class, as torchvision's ImageFolder has it, to samples.csv with a row per photo. Strict: every
// problem is listed before anything is written. Free of OpenCV. Layout: docs/formats.md.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace pleat {

struct ClassFolders {
  std::filesystem::path images;      // a folder per class, its photos in it or in folders below
  std::filesystem::path test;        // the same for the test split; empty: there is none
  std::filesystem::path unlabelled;  // further photos, in it or in folders below; empty: there are none
  std::string column = "label";      // what the column of the classes is called
  std::filesystem::path out;         // samples.csv
};

struct ClassCount {
  std::string name;
  std::size_t train = 0, test = 0;  // photos
};

struct ClassTable {
  std::vector<ClassCount> classes;  // by name
  std::size_t train = 0, test = 0, unlabelled = 0;
  std::vector<std::filesystem::path> others;  // files that are no photos by their names, and were left out
  std::filesystem::path root;  // what the table's paths start from: `images`, or the folder it shares with the others
};

/// Writes `out`: id (the path without its ending, or with it where two photos would have the same), path, `column`
/// (empty for unlabelled photos), split (train, test, unlabelled); by split, class and name. Throws UsageError for a
/// column that cannot be, DataError that names them all, up to a screenful: fewer than two classes, a class without
/// photos, a test class that is none of them, photos beside the class folders, folders that are read twice or lead back
/// to themselves by links, links that lead nowhere, names that are not UTF-8.
ClassTable write_class_table(const ClassFolders& folders);

}  // namespace pleat
