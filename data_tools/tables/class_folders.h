// Makes samples.csv, with a row per photo, from a folder per class (the layout of torchvision's ImageFolder). Lists all
// problems before it writes anything. Does not use OpenCV. Layout: docs/formats.md.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "data_tools/tables/photo_walk.h"

namespace pleat {

struct ClassFolders {
  std::filesystem::path images;      // a folder per class, with photos at any depth
  std::filesystem::path test;        // the same for the test split; empty: none
  std::filesystem::path unlabelled;  // further photos, at any depth; empty: none
  std::string column = "label";      // name of the class column
  std::filesystem::path out;         // samples.csv
};

struct ClassCount {
  std::string name;
  std::size_t train = 0, test = 0;  // photos
};

struct ClassTable {
  std::vector<ClassCount> classes;  // by name
  std::size_t train = 0, test = 0, unlabelled = 0;
  LeftOut left_out;
  std::filesystem::path root;  // base of the table's paths: `images`, or its common folder with the others
};

/// Writes `out`, sorted by split, class and name. Columns: id (the path without its ending, or with it if two photos
/// would have the same id), path, `column` (empty for unlabelled photos), split (train, test, unlabelled).
/// Throws: UsageError for an invalid column name.
/// Throws: DataError that lists up to a screenful of problems: fewer than two classes, a class without photos, an
/// unknown test class, photos beside the class folders, folders that links make endless or double, broken links, names
/// that are not UTF-8.
ClassTable write_class_table(const ClassFolders& folders);

}  // namespace pleat
