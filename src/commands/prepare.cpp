#include "commands/prepare.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <memory>

#include "base/error.h"
#include "base/files.h"
#include "base/progress.h"
#include "cluster/host.h"
#include "commands/crops_report.h"
#include "data_tools/make_crops.h"
#include "data_tools/preview.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

constexpr char kDefaultSize[] = "64", kDefaultCrop[] = "none";
constexpr int kMaxCropSide = 4096;      // pixels

int parse_side(std::string_view text, const std::string& size) {
  int side = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), side);
  if (error != std::errc() || end != text.data() + text.size() || side < 1 || side > kMaxCropSide) {
    throw UsageError("--size {}: expected one side (64) or height x width (128x96), each 1 to {} pixels", size,
                     kMaxCropSide);
  }
  return side;
}

PhotoOptions photo_options(const PrepareOptions& options) {
  PhotoOptions photo;
  const std::string given = options.size.empty() ? kDefaultSize : options.size;
  const std::string_view size = given;
  const std::size_t x = size.find('x');
  photo.height = parse_side(size.substr(0, x), given);
  photo.width = x == std::string_view::npos ? photo.height : parse_side(size.substr(x + 1), given);
  if (options.crop == "center") {
    photo.crop = CropMode::kCenter;
  } else if (!options.crop.empty() && options.crop != kDefaultCrop) {
    throw UsageError("--crop {}: expected none or center", options.crop);
  }
  return photo;
}

// A flag that would be ignored is refused: it was given for a reason.
void refuse_photo_flags(const PrepareOptions& options, const char* why) {
  const char* flag = !options.size.empty()   ? "--size"
                     : !options.crop.empty() ? "--crop"
                     : options.skip_bad      ? "--skip-bad"
                     : options.preview > 0   ? "--preview"
                                             : nullptr;
  if (flag != nullptr) throw UsageError("{}; leave {} away", why, flag);
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
    if (!options.out.empty()) throw UsageError("--verify only reads; leave --out away");
    refuse_photo_flags(options, "--verify only reads");
    return Form::kVerify;
  }
  if (options.out.empty()) throw UsageError("--out is missing: the crops file to make, such as --out data/crops.h5");
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
  if (idx) refuse_photo_flags(options, "IDX images are taken whole and at their own size");
  return photos ? Form::kPhotos : Form::kIdx;
}

void write_preview(const PrepareOptions& options) {
  const fs::path sheet = options.out.parent_path() / (options.out.stem().string() + "_preview.png");
  write_contact_sheet(sheet, preview_crops(CropFile(options.out), options.images, options.preview));
  spdlog::info("photos and their crops to look at: {}", sheet.string());
}

int threads_of_this_rank(const Ranks& ranks) {
  const std::string name = machine_name();
  const std::vector<std::string> hosts = ranks.all_gather(name);
  return std::max(1, shared_cores(ranks, hosts) / static_cast<int>(std::count(hosts.begin(), hosts.end(), name)));
}

MadeCrops make(Form form, const PhotoOptions& photo, const PrepareOptions& options, const Ranks& ranks) {
  MakeCropsOptions how{.out = options.out,
                       .read = {options.table, options.idx_images, options.idx_labels, options.idx_test_images,
                                options.idx_test_labels},
                       .skip_bad = options.skip_bad, .threads = threads_of_this_rank(ranks)};
  std::unique_ptr<Progress> progress;
  const auto show = [&](std::size_t rows) {
    const std::size_t share = std::max<std::size_t>(1, rows / static_cast<std::size_t>(ranks.size));
    progress = std::make_unique<Progress>(ranks.size == 1 ? "crops" : "crops of this rank", share, ranks.rank == 0);
    how.progress = [&progress](std::size_t done, std::size_t) { progress->set(done); };
  };
  if (form == Form::kIdx) {
    return make_idx_crops({options.idx_images, options.idx_labels, options.idx_test_images, options.idx_test_labels},
                          how, ranks);
  }
  SampleTable table;
  together(ranks, [&] { table = read_samples(options.table); });
  show(table.rows());
  return make_photo_crops(std::move(table), options.images, photo, how, ranks);
}

}  // namespace

CLI::App* add_prepare(CLI::App& program, PrepareOptions& options) {
  CLI::App* prepare = program.add_subcommand("prepare", "Make crops.h5 of photos or IDX files, or check one");
  prepare->add_option("--table", options.table, "CSV with id, path and any other columns, one row per photo");
  prepare->add_option("--images", options.images, "folder that the table's paths start from");
  prepare->add_option("--size", options.size, "pixels of a crop: 64, or height x width as 128x96")
      ->default_str(kDefaultSize);
  prepare->add_option("--crop", options.crop, "none: the whole photo, stretched; center: the largest centred box")
      ->check(CLI::IsMember({"none", "center"}))
      ->default_str(kDefaultCrop);
  prepare->add_flag("--skip-bad", options.skip_bad,
                    "leave broken photos out and list them in rejected.csv beside --out");
  prepare->add_option("--preview", options.preview,
                      "so many photos, each above its crop, on a sheet beside --out (crops.h5: crops_preview.png)")
      ->check(CLI::Range(1, 400))
      ->type_name("N");
  prepare->add_option("--idx-images", options.idx_images, "training images in IDX form, plain or .gz");
  prepare->add_option("--idx-labels", options.idx_labels, "their labels");
  prepare->add_option("--idx-test-images", options.idx_test_images, "test images in IDX form");
  prepare->add_option("--idx-test-labels", options.idx_test_labels, "their labels");
  prepare->add_option("--out", options.out, "crops file to make");
  prepare->add_option("--verify", options.verify, "check every row of a crops file and say what it holds");
  return prepare;
}

int run_prepare(const PrepareOptions& options, const Ranks& ranks) {
  Form form{};
  PhotoOptions photo;
  together(ranks, [&] {
    form = form_of(options);
    photo = photo_options(options);
  });
  if (form == Form::kVerify) {
    together(ranks, [&] {
      if (ranks.rank == 0) verify_crops(options.verify);
    });
    return 0;
  }
  const MadeCrops made = make(form, photo, options, ranks);
  if (ranks.rank != 0) return 0;
  const auto& [height, width, channels] = made.shape;
  spdlog::info("{}: {} crops of {}x{}x{}", options.out.string(), grouped(made.rows - made.rejected.size()), height,
               width, channels);
  report_crops(options.out);
  if (!made.rejected.empty()) {
    spdlog::warn("{} broken photos were left out; they are listed in {}", grouped(made.rejected.size()),
                 rejected_list(options.out).string());
  }
  if (options.preview > 0) write_preview(options);
  return 0;
}

}  // namespace pleat
