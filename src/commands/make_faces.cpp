#include "commands/make_faces.h"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include "base/progress.h"
#include "base/wording.h"
#include "cluster/host.h"

namespace pleat {
namespace {

void draw_and_tell(MakeFacesOptions options) {
  options.threads = usable_cores();
  // At least 1, which Progress requires. make_faces refuses bad options before it reports any progress.
  Progress progress("faces", std::max<std::size_t>(1, photos_of(options)), true);
  options.progress = [&progress](std::size_t done, std::size_t) { progress.set(done); };
  const MadeFaces made = make_faces(options);
  spdlog::info("{}: {} photos of {} persons", options.out.string(), grouped(made.photos), grouped(made.persons));
  spdlog::info("wrong labels: gender of {}, age of {}, mask of {}; truth.csv lists them",
               counted(static_cast<std::int64_t>(made.wrong_genders), "person"),
               counted(static_cast<std::int64_t>(made.wrong_ages), "person"),
               counted(static_cast<std::int64_t>(made.wrong_masks), "photo"));
}

}  // namespace

CLI::App* add_make_faces(CLI::App& program, MakeFacesOptions& options) {
  CLI::App* verb =
      program.add_subcommand("make-faces", "Generate a labelled data set of synthetic faces with and without masks");
  verb->add_option("--out", options.out, "folder for train/, eval/ and truth.csv; new or empty")
      ->type_name("DIR")
      ->required();
  verb->add_option("--persons", options.persons, "number of persons, with 7 photos each")->type_name("N")->required();
  verb->add_option("--unlabelled", options.unlabelled, "number of unlabelled photos, of other persons")
      ->type_name("M")
      ->capture_default_str();
  verb->add_option("--label-noise", options.label_noise,
                   "probability of a wrong label: gender and age per person, mask per photo")
      ->type_name("P")
      ->capture_default_str();
  verb->add_option("--seed", options.seed, "random seed")->type_name("S")->capture_default_str();
  return verb;
}

ExitCode make_faces_verb(const MakeFacesOptions& options, const Ranks& ranks) {
  on_rank_0(ranks, [&] { draw_and_tell(options); });
  return ExitCode::kDone;
}

}  // namespace pleat
