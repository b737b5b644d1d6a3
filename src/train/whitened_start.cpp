#include "train/whitened_start.h"

#include <algorithm>

#include "batches/batch_loader.h"
#include "model/whitening.h"

namespace pleat {

void start_whitened(Classifier& classifier, const FoldJob& job, const CropFile& crops) {
  constexpr std::size_t kMost = 400;
  const std::size_t labelled = job.train_rows.size() - job.pseudo.rows, count = std::min(kMost, labelled);
  BatchPlan plan;
  for (std::size_t i = 0; i < count; ++i) plan.rows.push_back(job.train_rows[i * labelled / count]);
  BatchLoader loader(crops, {.norm = job.norm}, {plan});
  whiten_first_convolution(classifier, loader.next().images);
}

}  // namespace pleat
