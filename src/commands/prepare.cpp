#include "commands/prepare.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/files.h"
#include "base/side_file.h"
#include "base/wording.h"
#include "cluster/host.h"
#include "commands/photo_crops.h"
#include "data_tools/inspect/crops_report.h"
#include "data_tools/inspect/data_report.h"
#include "data_tools/inspect/preview.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

constexpr char kDefaultSize[] = "64", kDefaultCrop[] = "none", kDefaultBackground[] = "keep";
constexpr int kMaxCropSide = 4096;  // pixels
constexpr double kMaxMargin = 5;

int parse_side(std::string_view text, const std::string& size) {
  int side = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), side);
  if (error != std::errc() || end != text.data() + text.size() || side < 1 || side > kMaxCropSide) {
    throw UsageError("--size {}: expected one side (64) or height x width (128x96), each 1 to {} pixels", size,
                     kMaxCropSide);
  }
  return side;
}

CropOptions crop_options(const PrepareOptions& options) {
  CropOptions crop;
  const std::string given = options.size.empty() ? kDefaultSize : options.size;
  const std::string_view size = given;
  const std::size_t x = size.find('x');
  crop.height = parse_side(size.substr(0, x), given);
  crop.width = x == std::string_view::npos ? crop.height : parse_side(size.substr(x + 1), given);
  if (options.crop == "center") crop.crop = CropMode::kCenter;
  if (options.crop == "face") crop.crop = CropMode::kFace;
  crop.face_margin = options.face_margin.value_or(kFaceMargin);
  crop.remove_background = options.background == "remove";
  crop.detector = options.detector;
  crop.masks = options.masks;
  crop.max_pixels = options.max_pixels;
  if (!std::isfinite(crop.face_margin)) throw UsageError("--face-margin: expected a number from 0 to {}", kMaxMargin);
  if (options.face_margin && crop.crop != CropMode::kFace)
    throw UsageError("--face-margin has no effect without --crop face; add that, or drop --face-margin");
  if (!crop.masks.empty() && !crop.remove_background)
    throw UsageError("--masks has no effect without --background remove; add that, or drop --masks");
  if (!crop.detector.empty() && !crop.seeks_faces()) {
    throw UsageError("--detector has no effect, since no faces are detected; add --crop face, or drop --detector");
  }
  return crop;
}

// Refuses flags that would have no effect.
void refuse_photo_flags(const PrepareOptions& options, const char* why) {
  const char* flag = !options.size.empty()         ? "--size"
                     : !options.crop.empty()       ? "--crop"
                     : options.face_margin         ? "--face-margin"
                     : !options.background.empty() ? "--background"
                     : !options.detector.empty()   ? "--detector"
                     : !options.masks.empty()      ? "--masks"
                     : options.max_pixels > 0      ? "--max-pixels"
                     : options.skip_bad            ? "--skip-bad"
                     : options.preview > 0         ? "--preview"
                     : !options.same_text.empty()  ? "--same-text"
                                                   : nullptr;
  if (flag != nullptr) throw UsageError("{}; drop {}", why, flag);
}

enum class Form { kPhotos, kIdx, kVerify };

Form form_of(const PrepareOptions& options) {
  const bool photos = !options.table.empty() || !options.images.empty();
  const bool idx = !options.idx_images.empty() || !options.idx_labels.empty() || !options.idx_test_images.empty() ||
                   !options.idx_test_labels.empty();
  if (int{photos} + int{idx} + int{!options.verify.empty()} != 1) {
    throw UsageError(
        "give either --table and --images, or --idx-images and --idx-labels, or --verify; see pleat prepare --help");
  }
  if (!options.verify.empty()) {
    if (!options.out.empty()) throw UsageError("--verify only reads; drop --out");
    refuse_photo_flags(options, "--verify only reads");
    return Form::kVerify;
  }
  if (options.out.empty()) throw UsageError("--out is missing; name the crops file to make, as in --out data/crops.h5");
  if (photos && (options.table.empty() || options.images.empty())) {
    throw UsageError("--{} is missing: photos need both --table and --images",
                     options.table.empty() ? "table" : "images");
  }
  if (idx && (options.idx_images.empty() || options.idx_labels.empty() ||
              options.idx_test_images.empty() != options.idx_test_labels.empty())) {
    throw UsageError(
        "IDX images and their labels come in pairs: --idx-images with --idx-labels, --idx-test-images with "
        "--idx-test-labels");
  }
  if (idx) refuse_photo_flags(options, "IDX images are used whole and at their own size");
  return photos ? Form::kPhotos : Form::kIdx;
}

fs::path preview_sheet(const PrepareOptions& options) { return side_file(options.out, "preview.png"); }

void write_preview(const PrepareOptions& options) {
  const fs::path sheet = preview_sheet(options);
  write_contact_sheet(sheet, preview_crops(CropFile(options.out), options.images, options.preview));
  spdlog::info("preview of photos and their crops: {}", sheet.string());
}

MadeCrops make(Form form, const CropOptions& crop, const PrepareOptions& options, const Ranks& ranks) {
  const MakeCropsOptions how{.out = options.out, .skip_bad = options.skip_bad};
  if (form == Form::kPhotos) return crops_of_table(options.table, options.images, crop, how, ranks);
  return crops_of_idx({options.idx_images, options.idx_labels, options.idx_test_images, options.idx_test_labels}, how,
                      ranks);
}

void add_photo_flags(CLI::App* prepare, PrepareOptions& options) {
  prepare->add_option("--table", options.table, "CSV with id, path and any other columns, one row per photo")
      ->type_name("FILE");
  prepare->add_option("--images", options.images, "folder that paths in --table are relative to")->type_name("DIR");
  prepare->add_option("--size", options.size, "size of the crops in pixels: 64, or height x width such as 128x96")
      ->type_name("SIZE")
      ->default_str(kDefaultSize);
  prepare
      ->add_option("--crop", options.crop,
                   "none: the whole photo, stretched; center: the largest centred box; face: a box around the "
                   "largest face, or the same as center if the photo has no detected face")
      ->check(CLI::IsMember({"none", "center", "face"}))
      ->default_str(kDefaultCrop);
  prepare
      ->add_option("--face-margin", options.face_margin, "margin on each side of the face, as a multiple of its size")
      ->check(CLI::Range(0.0, kMaxMargin))
      ->type_name("X")
      ->default_str(fmt::format("{}", kFaceMargin));
  prepare
      ->add_option(
          "--background", options.background,
          "remove: paint the background gray; the person is found by GrabCut around the face, or given by --masks")
      ->check(CLI::IsMember({"keep", "remove"}))
      ->default_str(kDefaultBackground);
  prepare
      ->add_option(
          "--masks", options.masks,
          "folder of masks; each has its photo's relative path, with the extension .png; white marks the person")
      ->type_name("DIR");
  prepare
      ->add_option(
          "--detector", options.detector,
          "face detector: an OpenCV cascade (.xml) or YuNet (.onnx); default: OpenCV's cascade of frontal faces")
      ->type_name("FILE");
  add_max_pixels(*prepare, options.max_pixels);
  prepare->add_flag("--skip-bad", options.skip_bad,
                    "skip damaged photos and list them beside --out (for crops.h5: crops.rejected.csv)");
  prepare
      ->add_option("--same-text", options.same_text,
                   "rule for groups, which are read from the column 'group', else 'person'; check (default): refuse "
                   "groups that differ only in case, whitespace, invisible characters, Unicode form or the spelling of "
                   "a decimal number; strict: each spelling is its own group")
      ->check(CLI::IsMember({"check", "strict"}))
      ->type_name("RULE");
  prepare
      ->add_option("--preview", options.preview,
                   "write a contact sheet beside --out that shows N photos, each above its crop (for crops.h5: "
                   "crops.preview.png)")
      ->check(CLI::Range(1, 400))
      ->type_name("N");
}

// Threads of the search for duplicates, which rank 0 does alone.
int report_threads() { return std::max(1, static_cast<int>(affinity_cores().size())); }

void add_idx_flags(CLI::App* prepare, PrepareOptions& options) {
  prepare->add_option("--idx-images", options.idx_images, "training images: an IDX file, plain or .gz")
      ->type_name("FILE");
  prepare->add_option("--idx-labels", options.idx_labels, "labels of --idx-images")->type_name("FILE");
  prepare->add_option("--idx-test-images", options.idx_test_images, "test images: an IDX file, plain or .gz")
      ->type_name("FILE");
  prepare->add_option("--idx-test-labels", options.idx_test_labels, "labels of --idx-test-images")->type_name("FILE");
}

}  // namespace

CLI::App* add_prepare(CLI::App& program, PrepareOptions& options) {
  CLI::App* prepare = program.add_subcommand("prepare", "Make a crops file from photos or IDX files, or verify one");
  add_photo_flags(prepare, options);
  add_idx_flags(prepare, options);
  prepare->add_option("--out", options.out, "crops file to write")->type_name("FILE");
  prepare->add_option("--verify", options.verify, "check every row of this crops file and print its report")
      ->type_name("FILE");
  return prepare;
}

ExitCode prepare_verb(const PrepareOptions& options, const Ranks& ranks) {
  Form form{};
  CropOptions crop;
  together(ranks, [&] {
    form = form_of(options);
    crop = crop_options(options);
    if (form != Form::kVerify) require_replaceable_report(options.out);
    if (form == Form::kPhotos && options.same_text != "strict" && ranks.rank == 0)
      check_alike_groups(read_samples(options.table), options.table.string());
    if (options.preview > 0) require_replaceable(preview_sheet(options), "\x89PNG", "PNG picture", {}, "--preview");
  });
  if (form == Form::kVerify) {
    on_rank_0(ranks, [&] { verify_crops(options.verify, report_threads()); });
    return ExitCode::kDone;
  }
  const MadeCrops made = make(form, crop, options, ranks);
  if (ranks.rank != 0) return ExitCode::kDone;
  const auto& [height, width, channels] = made.shape;
  spdlog::info("{}: {} crops of {}x{}x{}", options.out.string(), grouped(made.rows - made.rejected.size()), height,
               width, channels);
  report_crops(options.out, made, crop, report_threads());
  if (!made.rejected.empty()) {
    spdlog::warn("skipped {} broken photos, listed in {}", grouped(made.rejected.size()),
                 rejected_list({.out = options.out}).string());
    if (!made.advice.empty()) spdlog::warn("{}", made.advice);
  }
  if (options.preview > 0) write_preview(options);
  return ExitCode::kDone;
}

}  // namespace pleat
