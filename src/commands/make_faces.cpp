#include "commands/make_faces.h"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include "base/progress.h"
#include "cluster/host.h"

namespace pleat {
namespace {

void draw_and_tell(MakeFacesOptions options) {
  options.threads = usable_cores();
  // Options out of bounds are refused before there is anything to show; a total of 0 would not do for the progress.
  Progress progress("faces", std::max<std::size_t>(1, photos_of(options)), true);
  options.progress = [&progress](std::size_t done, std::size_t) { progress.set(done); };
  const MadeFaces made = make_faces(options);
  spdlog::info("{}: {} photos of {} persons", options.out.string(), grouped(made.photos), grouped(made.persons));
  spdlog::info("made wrong: gender of {}, age of {}, mask of {}; truth.csv names them",
               counted(static_cast<std::int64_t>(made.wrong_genders), "person"),
               counted(static_cast<std::int64_t>(made.wrong_ages), "person"),
               counted(static_cast<std::int64_t>(made.wrong_masks), "photo"));
}

}  // namespace

CLI::App* add_make_faces(CLI::App& program, MakeFacesOptions& options) {
  CLI::App* verb =
      program.add_subcommand("make-faces", "Draw faces with and without masks, their truth known, as data to try with");
  verb->add_option("--out", options.out, "folder to make, with train/, eval/ and truth.csv; there or not, but empty")
      ->type_name("DIR")
      ->required();
  verb->add_option("--persons", options.persons, "how many, of 7 photos each")->type_name("N")->required();
  verb->add_option("--unlabelled", options.unlabelled, "further photos, of further persons, without labels")
      ->type_name("M")
      ->capture_default_str();
  verb->add_option("--label-noise", options.label_noise,
                   "probability of a wrong gender or age class, per person, and of a wrong mask label, per photo")
      ->type_name("P")
      ->capture_default_str();
  verb->add_option("--seed", options.seed, "other seeds draw other persons")->type_name("S")->capture_default_str();
  return verb;
}

ExitCode run_make_faces(const MakeFacesOptions& options, const Ranks& ranks) {
  together(ranks, [&] {
    if (ranks.rank == 0) draw_and_tell(options);
  });
  return ExitCode::kDone;
}

}  // namespace pleat
