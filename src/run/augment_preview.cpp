#include "run/augment_preview.h"

#include <ATen/Functions.h>

#include <algorithm>

#include "batches/batch_augment.h"

namespace pleat {
namespace {

std::vector<std::int64_t> spread_rows(const std::vector<std::int64_t>& train, std::size_t count) {
  std::vector<std::int64_t> rows;
  count = std::min(count, train.size());
  for (std::size_t i = 0; i < count; ++i) rows.push_back(train[i * train.size() / count]);
  return rows;
}

// [n, H, W, C] uint8.
torch::Tensor to_pixels(const torch::Tensor& images, const PixelNorm& norm) {
  const auto per_channel = [](const std::vector<double>& values) {
    return at::tensor(values, at::kFloat).reshape({1, -1, 1, 1});
  };
  return (images * per_channel(norm.std) + per_channel(norm.mean))
      .mul(255.0)
      .round()
      .clamp(0.0, 255.0)
      .to(at::kByte)
      .permute({0, 2, 3, 1})
      .contiguous();
}

struct Sample {
  const CropFile& crops;
  std::vector<std::int64_t> rows;
  PixelNorm norm;
  RandomKey key;
};

PreviewRow row_of(const std::string& caption, const AugmentConfig& augment, const Sample& sample) {
  BatchLoader loader(sample.crops, {.norm = sample.norm, .augment = augment, .training = true, .key = sample.key},
                     {BatchPlan{.rows = sample.rows}});
  Batch batch = loader.next();
  augment_batch({augment, sample.norm, {sample.key, batch.rows}}, batch);
  const torch::Tensor pixels = to_pixels(batch.images, sample.norm);
  PreviewRow row{.caption = caption};
  for (std::int64_t i = 0; i < pixels.size(0); ++i) {
    const auto* begin = pixels[i].const_data_ptr<std::uint8_t>();
    row.images.emplace_back(begin, begin + pixels[i].numel());
  }
  return row;
}

}  // namespace

std::vector<PreviewRow> preview_augmentations(const RunConfig& config, const Dataset& dataset, std::size_t count) {
  const Sample sample{.crops = dataset.crops,
                      .rows = spread_rows(dataset.train, count),
                      .norm = choose_norm(config, dataset),
                      .key = {.seed = static_cast<std::uint64_t>(config.seed)}};
  const AugmentConfig& all = config.train.augment;
  std::vector<PreviewRow> sheet{row_of("unchanged", no_augmentation(), sample)};
  for (const Augmentation& each : augmentations()) {
    if (each.wanted(all)) sheet.push_back(row_of(each.name, only(each, all), sample));
  }
  if (sheet.size() > 2) sheet.push_back(row_of("all together", all, sample));
  return sheet;
}

}  // namespace pleat
