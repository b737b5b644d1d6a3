#include "rounds/augment_preview.h"

#include <ATen/Functions.h>

#include <algorithm>

#include "data/batch_augment.h"

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

PreviewRow row_of(const std::string& caption, const AugmentConfig& augment, const RunConfig& config,
                  const Dataset& dataset, const std::vector<std::int64_t>& rows) {
  const RandomKey key{.seed = static_cast<std::uint64_t>(config.seed)};
  BatchLoader loader(dataset.crops, {.norm = dataset.norm, .augment = augment, .training = true, .key = key},
                     {BatchPlan{.rows = rows}});
  Batch batch = loader.next();
  augment_batch({augment, dataset.norm, {key, batch.rows}}, batch);
  const torch::Tensor pixels = to_pixels(batch.images, dataset.norm);
  PreviewRow row{.caption = caption};
  for (std::int64_t i = 0; i < pixels.size(0); ++i) {
    const auto* begin = pixels[i].const_data_ptr<std::uint8_t>();
    row.images.emplace_back(begin, begin + pixels[i].numel());
  }
  return row;
}

}  // namespace

std::vector<PreviewRow> preview_augmentations(const RunConfig& config, const Dataset& dataset, std::size_t count) {
  const std::vector<std::int64_t> rows = spread_rows(dataset.train, count);
  const AugmentConfig& all = config.train.augment;
  std::vector<PreviewRow> sheet{row_of("as they are", no_augmentation(), config, dataset, rows)};
  for (const Augmentation& each : augmentations()) {
    if (each.wanted(all)) sheet.push_back(row_of(each.name, only(each, all), config, dataset, rows));
  }
  if (sheet.size() > 2) sheet.push_back(row_of("all of them", all, config, dataset, rows));
  return sheet;
}

}  // namespace pleat
