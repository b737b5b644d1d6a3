#include "commands/photo_crops.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/files.h"
#include "base/progress.h"
#include "cluster/host.h"
#include "data_tools/photos/image_header.h"

namespace pleat {
namespace {

int threads_of_this_rank(const Ranks& ranks) {
  const std::string name = machine_name();
  const std::vector<std::string> hosts = ranks.all_gather(name);
  return std::max(1, shared_cores(ranks, hosts) / static_cast<int>(std::count(hosts.begin(), hosts.end(), name)));
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
  how.threads = threads_of_this_rank(ranks);
  const std::size_t share = std::max<std::size_t>(1, samples.rows() / static_cast<std::size_t>(ranks.size));
  Progress progress(ranks.size == 1 ? "crops" : "crops of this rank", share, ranks.rank == 0);
  how.progress = [&progress](std::size_t done, std::size_t) { progress.set(done); };
  return make_photo_crops(std::move(samples), images, crop, how, ranks);
}

MadeCrops crops_of_idx(const IdxFiles& files, MakeCropsOptions how, const Ranks& ranks) {
  how.read = {files.images, files.labels, files.test_images, files.test_labels};
  how.threads = threads_of_this_rank(ranks);
  return make_idx_crops(files, how, ranks);
}

}  // namespace pleat
