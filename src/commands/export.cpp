#include "commands/export.h"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include "base/progress.h"
#include "cluster/launch_command.h"
#include "rounds/export.h"

namespace pleat {

CLI::App* add_export(CLI::App& program, ExportOptions& options) {
  CLI::App* verb = program.add_subcommand(
      "export", "Write the ensemble of a finished run as a folder that Python uses without pleat");
  verb->add_option("run", options.run, "folder of a finished run")->type_name("RUN")->required();
  verb->add_option("--out", options.out,
                   "folder to write: new, empty, or an earlier export, which is replaced; outside of the run folder")
      ->type_name("DIR")
      ->required();
  verb->footer(
      "DIR/ensemble.py loads it: load(\"DIR\").predict(crops) in Python, or python DIR/ensemble.py photo.jpg … ; it "
      "needs "
      "torch, torchvision, safetensors, numpy and Pillow.");
  return verb;
}

ExitCode run_export(const ExportOptions& options, const Ranks& ranks) {
  together(ranks, [&] {
    if (ranks.rank != 0) return;
    const ExportedEnsemble made = export_ensemble(options.run, options.out);
    spdlog::info("{}: {} networks, {:.1f} MB", options.out.string(), grouped(made.networks),
                 static_cast<double>(made.bytes) / 1e6);
    if (made.precision == "bf16")
      spdlog::info("the run computed in bf16, Python does in fp32: probabilities differ a little (docs/formats.md)");
    if (made.crops_photos)
      spdlog::info("next: python {} photo.jpg …", shell_quoted((options.out / "ensemble.py").string()));
    else
      spdlog::info(
          "next, in Python: load(…).predict(images of a crops.h5 that pleat prepare makes as the run's), see {}",
          (options.out / "ensemble.py").string());
  });
  return ExitCode::kDone;
}

}  // namespace pleat
