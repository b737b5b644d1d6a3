#include "commands/prepare.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <map>
#include <memory>

#include "base/error.h"
#include "base/files.h"
#include "base/progress.h"
#include "base/stop_signal.h"
#include "cluster/host.h"
#include "data_tools/make_crops.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

constexpr char kDefaultSize[] = "64", kDefaultCrop[] = "none";
constexpr int kMaxCropSide = 4096;      // pixels
constexpr std::size_t kFewValues = 32;  // columns with more distinct values are not classes
constexpr std::size_t kListed = 20;     // damaged rows named in the error

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

using Facts = std::vector<std::pair<std::string, std::string>>;  // name, value; printed as two columns

// How often each value occurs; "" if there are too many for classes.
std::string counts_text(const std::vector<std::string>& values) {
  std::map<std::string, std::size_t> counts;
  for (const std::string& value : values) {
    if (++counts[value]; counts.size() > kFewValues) return "";
  }
  std::string text;
  for (const auto& [value, count] : counts) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", value.empty() ? "(empty)" : value, grouped(count));
  }
  return text;
}

// A label that is spelt in two ways, or a split that is empty, shows at once.
void say_counts(const SampleTable& table) {
  for (std::size_t i = 0; i < table.names.size(); ++i) {
    const std::string counts = counts_text(table.values[i]);
    if (!counts.empty() && table.rows() > kFewValues) spdlog::info("{}: {}", table.names[i], counts);
  }
}

Facts facts_of(const CropFile& crops) {
  std::size_t rejected = 0;
  for (std::size_t row = 0; row < crops.rows(); ++row) rejected += !crops.valid(row);
  const auto& [height, width, channels] = crops.shape();
  Facts facts = {{"rows", fmt::format("{}, {} of them without a picture; every checksum is right",
                                      grouped(crops.rows()), grouped(rejected))},
                 {"shape", fmt::format("{}x{}x{} (height x width x channels)", height, width, channels)}};
  const SampleTable& table = crops.table();
  for (std::size_t i = 0; i < table.names.size(); ++i) {
    const std::string counts = counts_text(table.values[i]);
    facts.emplace_back("column " + table.names[i],
                       counts.empty() ? "many values, '" + table.values[i][0] + "' first" : counts);
  }
  for (const auto& [name, value] : crops.provenance()) facts.emplace_back("made with " + name, value);
  facts.emplace_back("hash", crops.hash());
  return facts;
}

std::vector<std::size_t> damaged_rows(const CropFile& crops) {
  std::vector<std::size_t> damaged;
  Progress progress("verify", crops.rows(), true);
  for (std::size_t row = 0; row < crops.rows(); ++row) {
    if (stop_signal_received()) throw StopRequested("stopped on request at row {} of {}", row, crops.rows());
    try {
      if (crops.valid(row)) crops.image(row);
    } catch (const DataError&) {
      damaged.push_back(row);
    }
    progress.set(row + 1);
  }
  return damaged;
}

void verify(const fs::path& path) {
  const CropFile crops(path);
  const std::vector<std::size_t> damaged = damaged_rows(crops);
  if (!damaged.empty()) {
    std::string list;
    for (std::size_t i = 0; i < std::min(kListed, damaged.size()); ++i) {
      list += fmt::format("\n  row {}, id '{}'", damaged[i], crops.table().column("id")[damaged[i]]);
    }
    if (damaged.size() > kListed) list += fmt::format("\n  … and {} more", damaged.size() - kListed);
    throw DataError(
        "{}: {} of {} rows have the wrong checksum; the file was changed or damaged: make it again with pleat "
        "prepare{}",
        path.string(), damaged.size(), crops.rows(), list);
  }
  const Facts facts = facts_of(crops);
  std::size_t width = 0;
  for (const auto& [name, value] : facts) width = std::max(width, name.size());
  for (const auto& [name, value] : facts) fmt::print("{:<{}}  {}\n", name, width, value);
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
      if (ranks.rank == 0) verify(options.verify);
    });
    return 0;
  }
  const MadeCrops made = make(form, photo, options, ranks);
  if (ranks.rank != 0) return 0;
  const auto& [height, width, channels] = made.shape;
  spdlog::info("{}: {} crops of {}x{}x{}", options.out.string(), grouped(made.rows - made.rejected.size()), height,
               width, channels);
  say_counts(CropFile(options.out).table());
  if (!made.rejected.empty()) {
    spdlog::warn("{} broken photos were left out; they are listed in {}", grouped(made.rejected.size()),
                 rejected_list(options.out).string());
  }
  return 0;
}

}  // namespace pleat
