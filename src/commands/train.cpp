#include "commands/train.h"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include "base/files.h"
#include "commands/config.h"
#include "data_tools/inspect/contact_sheet.h"
#include "kernels/tensor_pool.h"
#include "report/report_run.h"
#include "rounds/train_run.h"
#include "run/augment_preview.h"
#include "run/find_lr.h"

namespace pleat {
namespace {

constexpr std::size_t kPreviewed = 8;  // images

void preview(const TrainOptions& options) {
  const TrainRequest& request = options.request;
  require_replaceable(options.preview_augment, "\x89PNG", "PNG picture", {request.config}, "--preview-augment");
  const RunConfig config = load_run_config(request.config, request.assignments);
  const Dataset dataset = open_dataset(config);
  const ImageShape& shape = dataset.crops.shape();
  std::vector<SheetRow> sheet;
  for (const PreviewRow& row : preview_augmentations(config, dataset, kPreviewed)) {
    SheetRow& line = sheet.emplace_back(SheetRow{.caption = row.caption});
    for (const auto& image : row.images) line.pictures.push_back({shape.width, shape.height, shape.channels, image});
  }
  write_contact_sheet(options.preview_augment, sheet);
  spdlog::info("{}: {} of {} training images, augmented in {} ways (train.augment); nothing was trained",
               options.preview_augment.string(), sheet.front().pictures.size(), dataset.train.size(), sheet.size() - 1);
}

}  // namespace

CLI::App* add_train(CLI::App& program, TrainOptions& options) {
  TrainRequest& request = options.request;
  CLI::App* verb =
      program.add_subcommand("train", "Train every fold, gather the out-of-fold predictions, build the ensemble");
  verb->add_option("config", request.config, "YAML file; keys: docs/config.md, or pleat config --reference")
      ->type_name("FILE")
      ->required();
  add_set(*verb, request.assignments);
  verb->add_option("--run", request.run, "run folder; default: runs/<config name>; an unfinished run is resumed")
      ->type_name("DIR");
  CLI::Option* dry_run =
      verb->add_flag("--dry-run", request.dry_run, "print jobs, slots, memory and disk use; write nothing");
  CLI::Option* preview_augment = verb->add_option("--preview-augment", options.preview_augment,
                                                  "write a contact sheet of each augmentation; train nothing")
                                     ->type_name("FILE.png");
  CLI::Option* find_lr = verb->add_flag(
      "--find-lr", options.find_lr,
      "run a learning-rate range test on the first fold of each network; print the curve and a suggested rate; keep "
      "no weights");
  dry_run->excludes(preview_augment)->excludes(find_lr);
  find_lr->excludes(preview_augment);
  verb->footer("Under mpirun, ranks share the folds: mpirun --bind-to none -n 2 pleat train configs/quickstart.yaml");
  return verb;
}

ExitCode train_verb(const TrainOptions& options, const MpiSession& session) {
  if (!options.preview_augment.empty()) {
    on_rank_0(session.ranks(), [&] { preview(options); });
    return ExitCode::kDone;
  }
  use_tensor_pool();
  if (options.find_lr) return find_lr_run(options.request, session);
  const RunEnd end = train_run(options.request, session);
  if (session.rank() == 0 && !end.report_of.empty()) report_finished_run(end.report_of);
  return end.code;
}

}  // namespace pleat
