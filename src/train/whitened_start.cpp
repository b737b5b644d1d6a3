#include "train/whitened_start.h"

#include <algorithm>

#include "batches/batch_loader.h"
#include "model/whitening.h"

namespace pleat {

void start_whitened(Classifier& classifier, const FoldJob& job, const CropFile& crops) {
  constexpr std::size_t kMost = 400, kBatch = 20;
  const std::size_t labelled = job.train_rows.size() - job.pseudo.rows, count = std::min(kMost, labelled);
  std::vector<BatchPlan> plans;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % kBatch == 0) plans.emplace_back();
    plans.back().rows.push_back(job.train_rows[i * labelled / count]);
  }
  Whitening whitening(classifier, crops.shape().channels);
  BatchLoader loader(crops, {.norm = job.norm}, plans);
  for (std::size_t batch = 0; batch < plans.size(); ++batch) whitening.add(loader.next().images);
  whitening.set_filters();
}

}  // namespace pleat
