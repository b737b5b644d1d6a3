#include "commands/export.h"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include "base/wording.h"
#include "cluster/launch_command.h"
#include "inference/export.h"
#include "inference/python_program.h"

namespace pleat {

CLI::App* add_export(CLI::App& program, ExportOptions& options) {
  CLI::App* verb = program.add_subcommand(
      "export", "Write the ensemble of a finished run to a folder that Python loads without pleat");
  verb->add_option("run", options.run, "folder of a finished run")->type_name("DIR")->required();
  verb->add_option("--out", options.out,
                   "folder to write, outside the run folder: new, empty, or an earlier export, which is replaced")
      ->type_name("DIR")
      ->required();
  verb->add_flag(
      "--onnx", options.onnx,
      "also write DIR/ensemble.onnx: from uint8 crops to the probabilities of each target. Runs Python with the "
      "packages below, onnx and onnxruntime: $PLEAT_PYTHON, or .venv of pleat's build, or python3");
  verb->footer(
      "DIR/ensemble.py loads the ensemble. In Python: load(\"DIR\").predict(crops). In a shell: python DIR/ensemble.py "
      "photo.jpg … It needs torch, torchvision, safetensors, numpy and Pillow, and pillow-heif for HEIC and AVIF.");
  return verb;
}

ExitCode export_verb(const ExportOptions& options, const Ranks& ranks) {
  on_rank_0(ranks, [&] {
    const ExportedEnsemble made = export_ensemble(options.run, options.out, options.onnx);
    spdlog::info("{}: {} networks, {:.1f} MB", options.out.string(), grouped(made.networks),
                 static_cast<double>(made.bytes) / 1e6);
    if (options.onnx) spdlog::info("{}", made.onnx);
    if (made.bf16)
      spdlog::info("the run was trained in bf16; load(…, precision=\"bf16\") predicts in it, too (docs/formats.md)");
    if (made.crops_photos)
      spdlog::info("next: {} {} photo.jpg …", shell_quoted(python_command()),
                   shell_quoted((options.out / "ensemble.py").string()));
    else
      spdlog::info(
          "next, in Python: load(…).predict(images), with images from a crops.h5 prepared like the run's; see {}",
          (options.out / "ensemble.py").string());
  });
  return ExitCode::kDone;
}

}  // namespace pleat
