#include "commands/predict.h"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <optional>
#include <system_error>

#include "base/error.h"
#include "base/files.h"
#include "base/wording.h"
#include "commands/photo_crops.h"
#include "kernels/tensor_pool.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSplit = "test";  // split of rows for which the table names none

void check_flags(const PredictFlags& flags) {
  const bool photos = !flags.table.empty() || !flags.images.empty(), crops = !flags.request.crops.empty();
  if (photos == crops)
    throw UsageError("give either --crops, or --images, with or without --table; see `pleat predict --help`");
  if (photos && flags.images.empty())
    throw UsageError("--images is missing: the paths in --table are relative to that folder");
  const char* idle = !flags.detector.empty() ? "--detector"
                     : !flags.masks.empty()  ? "--masks"
                     : flags.max_pixels > 0  ? "--max-pixels"
                     : flags.skip_bad        ? "--skip-bad"
                                             : nullptr;
  if (crops && idle != nullptr) throw UsageError("--crops are prepared already; drop {}", idle);
}

// Temporary crops file made from photos: a hidden file beside --out, where all ranks can see it. The destructor removes
// the file. If the process is killed, the file stays; the next prediction with the same --out replaces it.
class PassingCrops {
 public:
  /// Throws: DataError if another prediction with the same --out is running.
  PassingCrops(const fs::path& out, const MpiSession& session) : path_(hidden_beside(out)) {
    together(session.ranks(), [&] {
      if (session.rank() == 0) {
        lock_.emplace(path_.string() + ".predict",
                      LockOptions{out.string(), "choose another file with --out", /*temporary=*/true});
      }
    });
  }
  ~PassingCrops() {
    std::error_code ignored;
    if (lock_ && made_) fs::remove(path_, ignored);
  }
  PassingCrops(const PassingCrops&) = delete;
  PassingCrops& operator=(const PassingCrops&) = delete;

  const fs::path& path() const { return path_; }
  /// Marks the file as written by this process, so that the destructor removes it.
  void made() { made_ = true; }

 private:
  static fs::path hidden_beside(const fs::path& out) {
    return out.parent_path() / ("." + out.filename().string() + ".crops.h5");
  }

  fs::path path_;
  std::optional<FolderLock> lock_;  // on rank 0 only
  bool made_ = false;
};

void prepare_photos(const PredictFlags& flags, const Provenance& preparation, const fs::path& crops,
                    const MpiSession& session) {
  CropOptions crop;
  together(session.ranks(), [&] { crop = crop_options_of(preparation, flags.detector, flags.masks); });
  crop.max_pixels = flags.max_pixels;
  const MakeCropsOptions how{
      .out = crops, .default_split = kSplit, .skip_bad = flags.skip_bad, .result = flags.request.out};
  const MadeCrops made = flags.table.empty() ? crops_of_folder(flags.images, crop, how, session.ranks())
                                             : crops_of_table(flags.table, flags.images, crop, how, session.ranks());
  if (session.rank() != 0) return;
  for (const std::string& line : photo_warnings(made.photos, crop, false)) spdlog::warn("{}", line);
  if (!made.rejected.empty()) {
    spdlog::warn("{} broken photos get no prediction; they are listed in {}", grouped(made.rejected.size()),
                 rejected_list(how).string());
    if (!made.advice.empty()) spdlog::warn("{}", made.advice);
  }
}

}  // namespace

CLI::App* add_predict(CLI::App& program, PredictFlags& flags) {
  CLI::App* verb = program.add_subcommand("predict", "Predict photos or crops with the ensemble of a finished run");
  verb->add_option("--run", flags.request.run, "folder of a finished run")->type_name("DIR")->required();
  verb->add_option(
          "--crops", flags.request.crops,
          "crops file made by pleat prepare, with the same size and crop as the run's; labels in it are scored")
      ->type_name("FILE");
  verb->add_option("--table", flags.table,
                   "with --images: CSV with id and path, one row per photo; labels in it are scored")
      ->type_name("FILE");
  verb->add_option("--images", flags.images,
                   "instead of --crops: folder of photos, which are prepared like the run's; paths in --table are "
                   "relative to it; without --table: all photos in it and below, with their paths as ids")
      ->type_name("DIR");
  verb->add_flag("--skip-bad", flags.skip_bad,
                 "skip broken photos and list them beside --out (for p.csv: p.rejected.csv)");
  add_max_pixels(*verb, flags.max_pixels);
  verb->add_option("--masks", flags.masks, "folder with masks of the photos, if the run's crops were made with --masks")
      ->type_name("DIR");
  verb->add_option("--detector", flags.detector, "face detector, if the run's crops were made with --detector")
      ->type_name("FILE");
  verb->add_option(
          "--out", flags.request.out,
          "CSV file to write: id, split, and for each target its class and probabilities; if there are labels, "
          "their scores go beside it (for p.csv: p.scores.json)")
      ->type_name("FILE")
      ->required();
  verb->add_option("--device", flags.request.device, "device to compute on; default: auto (cuda if available)")
      ->type_name("NAME")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  verb->footer("Under mpirun, the ranks share the photos and models: mpirun --bind-to none -n 2 pleat predict …");
  return verb;
}

ExitCode predict_verb(const PredictFlags& flags, const MpiSession& session) {
  together(session.ranks(), [&] { check_flags(flags); });
  use_tensor_pool();
  if (!flags.request.crops.empty()) return predict_run(flags.request, session);
  const Provenance preparation = run_preparation(flags.request, flags.table, session);
  PassingCrops crops(flags.request.out, session);
  prepare_photos(flags, preparation, crops.path(), session);
  crops.made();
  PredictRequest request = flags.request;
  request.crops = crops.path();
  return predict_run(request, session);
}

}  // namespace pleat
