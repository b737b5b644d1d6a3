#include "data_tools/tables/photo_table.h"

#include <cstdint>

#include "base/error.h"
#include "base/wording.h"
#include "data_tools/tables/photo_folders.h"
#include "data_tools/tables/photo_names.h"

namespace pleat {

namespace fs = std::filesystem;

PhotoTable table_of_photos(const fs::path& images, const char* flag) {
  entries_in(images, flag);  // for its error, which names the flag
  PhotoWalk walk;
  std::vector<std::string> paths;
  walk.add_below(images, [&](const fs::path& photo) { paths.push_back(photo.lexically_relative(images).string()); });
  if (!walk.problems().empty()) {
    throw DataError("{}: {}; correct the folder{}", shown_path(images),
                    counted(static_cast<std::int64_t>(walk.problems().size()), "problem"),
                    problem_lines(walk.problems()));
  }
  if (paths.empty()) {
    const std::size_t others = walk.left_out().count();
    throw DataError("{} holds no photo{}; expected files with the ending {}", shown_path(images),
                    others == 0 ? "" : ", only " + counted(static_cast<std::int64_t>(others), "other file"),
                    photo_endings_text());
  }
  PhotoTable table{.samples = {.names = {"id", "path"}}, .left_out = walk.left_out()};
  table.samples.values = {paths, paths};
  return table;
}

}  // namespace pleat
