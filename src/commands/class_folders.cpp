#include "commands/class_folders.h"

#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "base/wording.h"
#include "commands/photo_crops.h"
#include "data_tools/tables/photo_names.h"

namespace pleat {
namespace {

constexpr std::size_t kNamedClasses = 20;  // any more are only counted

void tell_classes(const ClassFolders& folders, const ClassTable& made) {
  const auto& classes = made.classes;
  for (std::size_t i = 0; i < std::min(kNamedClasses, classes.size()); ++i) {
    spdlog::info("  {}: {} train{}", shown(classes[i].name), grouped(classes[i].train),
                 folders.test.empty() ? "" : fmt::format(", {} test", grouped(classes[i].test)));
  }
  if (classes.size() <= kNamedClasses) return;
  const auto [least, most] = std::minmax_element(classes.begin() + kNamedClasses, classes.end(),
                                                 [](const auto& a, const auto& b) { return a.train < b.train; });
  spdlog::info("  … and {} more classes with {} to {} train photos each", grouped(classes.size() - kNamedClasses),
               grouped(least->train), grouped(most->train));
}

}  // namespace

CLI::App* add_class_folders(CLI::App& program, ClassFolders& folders) {
  CLI::App* verb = program.add_subcommand("class-folders", "Write samples.csv for photos in one folder per class");
  verb->add_option("--images", folders.images,
                   fmt::format("folder with one subfolder per class, named like the class; photos ({}) may lie in "
                               "deeper subfolders",
                               photo_endings_text()))
      ->type_name("DIR")
      ->required();
  verb->add_option("--test", folders.test, "folder with the same layout, for the test split")->type_name("DIR");
  verb->add_option("--unlabelled", folders.unlabelled, "folder of unlabelled photos; its subfolders are searched too")
      ->type_name("DIR");
  verb->add_option("--column", folders.column, "name of the class column; use it as the target's name in the config")
      ->type_name("NAME")
      ->capture_default_str();
  verb->add_option("--out", folders.out, "samples.csv to write")->type_name("FILE")->required();
  verb->footer("With --test or --unlabelled, paths in the table are relative to the common parent folder.");
  return verb;
}

ExitCode class_folders_verb(const ClassFolders& folders, const Ranks& ranks) {
  on_rank_0(ranks, [&] {
    const ClassTable made = write_class_table(folders);
    spdlog::info("{}: {} classes; photos: {} train, {} test, {} unlabelled", folders.out.string(),
                 grouped(made.classes.size()), grouped(made.train), grouped(made.test), grouped(made.unlabelled));
    tell_classes(folders, made);
    tell_left_out(made.left_out);
    spdlog::info("next: {}", prepare_command(folders.out, made.root));
  });
  return ExitCode::kDone;
}

}  // namespace pleat
