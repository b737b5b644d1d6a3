#include "data_tools/prepare/make_crops.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "base/utf8.h"
#include "data_tools/photos/opencv_setup.h"
#include "data_tools/photos/photo_file.h"
#include "data_tools/prepare/write_rows.h"
#include "data_tools/tables/idx_images.h"
#include "data_tools/tables/missing_photo.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

constexpr std::array kSplits = {"train", "unlabelled", "test"};

void check_folder(const char* what, const fs::path& folder, const char* flag) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (fs::is_directory(status)) return;
  const std::string reason = status.type() == fs::file_type::not_found ? "does not exist"
                             : error                                   ? "cannot be read: " + error.message()
                                                                       : "is not a folder";
  throw DataError("the {} folder {} {}; give it with {}", what, folder.string(), reason, flag);
}

void fill_splits(SampleTable& table, const std::string& default_split) {
  const auto name = std::ranges::find(table.names, "split");
  if (name == table.names.end()) {
    table.names.emplace_back("split");
    table.values.emplace_back(table.rows(), default_split);
    return;
  }
  auto& splits = table.values[static_cast<std::size_t>(name - table.names.begin())];
  for (std::size_t row = 0; row < splits.size(); ++row) {
    if (splits[row].empty()) splits[row] = default_split;
    if (std::find(kSplits.begin(), kSplits.end(), splits[row]) == kSplits.end()) {
      throw DataError("{}: split '{}' is not one of train, unlabelled, test; correct it, or leave it empty for {}",
                      table.place(row), shown(splits[row]), default_split);
    }
  }
}

struct IdxPart {
  std::string split;
  IdxImages images;
  std::vector<std::uint8_t> labels;
};

IdxPart read_part(const std::string& split, const fs::path& images, const fs::path& labels) {
  IdxPart part{split, read_idx_images(images), read_idx_labels(labels)};
  if (part.images.count != part.labels.size()) {
    throw DataError("{} holds {} images, but {} holds {} labels; give the two files of one set", images.string(),
                    part.images.count, labels.string(), part.labels.size());
  }
  return part;
}

std::vector<IdxPart> read_parts(const IdxFiles& files) {
  std::vector<IdxPart> parts;
  parts.push_back(read_part("train", files.images, files.labels));
  if (files.test_images.empty()) return parts;
  parts.push_back(read_part("test", files.test_images, files.test_labels));
  const ImageShape &train = parts[0].images.shape, &test = parts[1].images.shape;
  if (train != test) {
    throw DataError("{} holds images of {}x{}, but {} of {}x{}; give two sets of one size", files.images.string(),
                    train.height, train.width, files.test_images.string(), test.height, test.width);
  }
  return parts;
}

SampleTable table_of(const std::vector<IdxPart>& parts) {
  SampleTable table{.names = {"id", "path", "label", "split"}, .values = std::vector<std::vector<std::string>>(4)};
  for (const IdxPart& part : parts) {
    for (std::size_t i = 0; i < part.labels.size(); ++i) {
      table.values[0].push_back(fmt::format("{}-{}", part.split, i));
      table.values[1].emplace_back();
      table.values[2].push_back(std::to_string(part.labels[i]));
      table.values[3].push_back(part.split);
    }
  }
  return table;
}

}  // namespace

MadeCrops make_photo_crops(SampleTable table, const fs::path& images, const CropOptions& crop,
                           const MakeCropsOptions& options, const Ranks& ranks) {
  quiet_opencv();
  std::optional<CropMaker> maker;
  together(ranks, [&] {
    check_folder("image", images, "--images");
    if (!crop.masks.empty()) check_folder("mask", crop.masks, "--masks");
    fill_splits(table, options.default_split);
    maker.emplace(crop);
  });
  const auto& paths = table.column("path");
  std::mutex mutex;
  PhotoTally tally;
  const FillRow fill = [&](std::size_t row, std::span<std::uint8_t> pixels) {
    const CropFacts facts = maker->make(read_photo(images / paths[row]), paths[row], pixels);
    const std::lock_guard lock(mutex);
    tally.add(facts);
  };
  const Advise advise = [&](const std::vector<RejectedPhoto>& rejected) {
    std::vector<std::string> missing;
    for (const auto& [row, reason] : rejected) {
      if (reason == kNoSuchFile) missing.push_back(paths[row]);
    }
    return advice_on_missing(images, missing, table.rows());
  };
  MadeCrops made = write_rows(table, {crop.height, crop.width, 3}, maker->provenance(), fill, options, ranks, advise);
  made.photos = gather_tally(tally, ranks);
  return made;
}

MadeCrops make_idx_crops(const IdxFiles& files, const MakeCropsOptions& options, const Ranks& ranks) {
  std::vector<IdxPart> parts;
  together(ranks, [&] { parts = read_parts(files); });
  const std::size_t first = parts[0].images.count;
  const ImageShape shape = parts[0].images.shape;
  const FillRow fill = [&](std::size_t row, std::span<std::uint8_t> pixels) {
    const auto image = row < first ? parts[0].images.image(row) : parts[1].images.image(row - first);
    std::copy(image.begin(), image.end(), pixels.begin());
  };
  const Provenance provenance = {{"source", "idx"}, {"size", fmt::format("{}x{}", shape.height, shape.width)}};
  return write_rows(table_of(parts), shape, provenance, fill, options, ranks);
}

}  // namespace pleat
