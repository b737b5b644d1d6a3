#include "commands/photo_crops.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/files.h"
#include "base/progress.h"
#include "base/wording.h"
#include "cluster/host.h"
#include "cluster/launch_command.h"
#include "data_tools/photos/image_header.h"
#include "data_tools/tables/photo_table.h"

namespace pleat {
namespace {

int threads_of_this_rank(const Ranks& ranks) {
  const std::string name = machine_name();
  const std::vector<std::string> hosts = ranks.all_gather(name);
  return std::max(1, shared_cores(ranks, hosts) / static_cast<int>(std::count(hosts.begin(), hosts.end(), name)));
}

MadeCrops crops_of_samples(SampleTable samples, const std::filesystem::path& images, const CropOptions& crop,
                           MakeCropsOptions how, const Ranks& ranks) {
  how.threads = threads_of_this_rank(ranks);
  const std::size_t share = std::max<std::size_t>(1, samples.rows() / static_cast<std::size_t>(ranks.size));
  Progress progress(ranks.size == 1 ? "crops" : "crops of this rank", share, ranks.rank == 0);
  how.progress = [&progress](std::size_t done, std::size_t) { progress.set(done); };
  return make_photo_crops(std::move(samples), images, crop, how, ranks);
}

}  // namespace

void add_max_pixels(CLI::App& verb, std::int64_t& max_pixels) {
  verb.add_option("--max-pixels", max_pixels,
                  fmt::format("refuse photos of more pixels; default: {} million for baseline JPEG, which decodes at a "
                              "fraction, and {} million for all others",
                              kMaxStreamed / 1'000'000, kMaxDecoded / 1'000'000))
      ->check(CLI::Range(std::int64_t{1}, kMaxAllowed))
      ->type_name("N");
}

MadeCrops crops_of_table(const std::filesystem::path& table, const std::filesystem::path& images,
                         const CropOptions& crop, MakeCropsOptions how, const Ranks& ranks) {
  SampleTable samples;
  together(ranks, [&] { samples = read_samples(table); });
  how.read = {table};
  return crops_of_samples(std::move(samples), images, crop, std::move(how), ranks);
}

void tell_left_out(const LeftOut& left_out) {
  for (const std::string& line : left_out_notes(left_out)) spdlog::info("{}", line);
  for (const std::string& line : left_out_warnings(left_out)) spdlog::warn("{}", line);
}

MadeCrops crops_of_folder(const std::filesystem::path& images, const CropOptions& crop, MakeCropsOptions how,
                          const Ranks& ranks) {
  PhotoTable photos;
  together(ranks, [&] { photos = table_of_photos(images, "--images"); });
  if (ranks.rank == 0) {
    spdlog::info("{}: {}", images.string(), counted(static_cast<std::int64_t>(photos.samples.rows()), "photo"));
    tell_left_out(photos.left_out);
  }
  return crops_of_samples(std::move(photos.samples), images, crop, std::move(how), ranks);
}

std::string prepare_command(const std::filesystem::path& table, const std::filesystem::path& images) {
  return fmt::format("{} prepare --table {} --images {} --out crops.h5 --size 64 --crop center", program_word(),
                     shell_quoted(table.string()), shell_quoted(images.string()));
}

MadeCrops crops_of_idx(const IdxFiles& files, MakeCropsOptions how, const Ranks& ranks) {
  how.read = {files.images, files.labels, files.test_images, files.test_labels};
  how.threads = threads_of_this_rank(ranks);
  return make_idx_crops(files, how, ranks);
}

}  // namespace pleat
