// All stages of a run that handle every row, without a network. Prints seconds and peak memory (VmHWM, in MB) of each
// stage as JSON.
//   bench_growth crops.h5 SCRATCH_FOLDER
#include <ATen/Parallel.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "batches/batch_loader.h"
#include "ensemble/oof_table.h"
#include "peak_memory.h"

namespace {

using namespace pleat;

constexpr std::size_t kBatch = 64;
constexpr int kFolds = 5;
constexpr std::size_t kGroup = 4;  // rows per group

struct Stage {
  const char* name;
  double seconds, megabytes;
};

class Stages {
 public:
  template <class Work>
  auto measure(const char* name, const Work& work) {
    reset_peak();
    const auto start = std::chrono::steady_clock::now();
    auto result = work();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    stages_.push_back({name, taken.count(), peak_megabytes()});
    return result;
  }

  void print(std::size_t rows, double before) const {
    std::printf("{\"rows\": %zu, \"before\": %.1f, \"stages\": {", rows, before);
    for (const Stage& stage : stages_) {
      std::printf("%s\"%s\": {\"seconds\": %.6f, \"megabytes\": %.1f}", &stage == stages_.data() ? "" : ", ",
                  stage.name, stage.seconds, stage.megabytes);
    }
    std::printf("}}\n");
  }

 private:
  std::vector<Stage> stages_;
};

FoldRequest request_for(const SampleTable& table, bool grouped) {
  FoldRequest request{
      .ids = table.column("id"), .strata = {table.column("label")}, .strata_names = {"label"}, .k = kFolds, .seed = 42};
  for (std::size_t row = 0; grouped && row < table.rows(); ++row)
    request.groups.push_back("g" + std::to_string(row / kGroup));
  return request;
}

// One epoch of the first fold's training side.
std::vector<BatchPlan> plan_epoch(const std::vector<std::size_t>& rows, const std::vector<std::int64_t>& order) {
  std::vector<BatchPlan> plans;
  for (std::size_t at = 0; at < order.size(); at += kBatch) {
    BatchPlan& plan = plans.emplace_back();
    for (std::size_t i = at; i < std::min(order.size(), at + kBatch); ++i) {
      const std::size_t row = rows[static_cast<std::size_t>(order[i])];
      plan.rows.push_back(static_cast<std::int64_t>(row));
    }
  }
  return plans;
}

// Results of finished jobs.
std::vector<HeldOutPredictions> predictions(const FoldPlan& plan, int classes) {
  std::vector<HeldOutPredictions> all;
  for (int fold = 0; fold < plan.folds(); ++fold) {
    const std::vector<std::size_t> held = held_out(plan, {fold});
    const std::vector<std::int64_t> rows(held.begin(), held.end());
    all.push_back({.fold = {fold},
                   .rows = at::tensor(rows, at::kLong),
                   .logits = at::rand({static_cast<std::int64_t>(rows.size()), classes})});
  }
  return all;
}

OofTable table_of(const SampleTable& samples, const std::vector<std::string>& classes, OofModel model) {
  std::vector<std::int64_t> labels;
  for (const std::string& label : samples.column("label")) labels.push_back(std::stoll(label));
  const torch::Tensor probs = model.probs;
  return {.target = "label",
          .classes = classes,
          .labels = at::tensor(labels, at::kLong),
          .models = {std::move(model)},
          .ensemble = probs};
}

// One loader gives two stages: the first batch, and the rest of the epoch.
void read_epoch(const CropFile& crops, std::vector<BatchPlan> plans, Stages& stages) {
  const std::vector<double> half(static_cast<std::size_t>(crops.shape().channels), 0.5);
  const LoaderOptions options{.norm = {half, half}, .augment = {.flip = true, .pad = 2}, .training = true};
  const std::size_t count = plans.size();
  std::optional<BatchLoader> loader;
  stages.measure("first_batch", [&] { return loader.emplace(crops, options, std::move(plans)).next(); });
  stages.measure("epoch", [&] {
    std::int64_t images = 0;
    for (std::size_t i = 1; i < count; ++i) images += loader->next().images.size(0);
    return images;
  });
}

void measure(const std::filesystem::path& file, const std::filesystem::path& scratch) {
  at::set_num_threads(1);
  const std::vector<std::string> classes{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  reset_peak();
  const double before = peak_megabytes();
  Stages stages;
  const CropFile crops = stages.measure("open", [&] { return CropFile(file); });
  const SampleTable& table = crops.table();
  stages.measure("grouped_folds", [&] { return make_folds(request_for(table, true)); });
  const FoldPlan plan = stages.measure("folds", [&] { return make_folds(request_for(table, false)); });
  const std::vector<std::size_t> rows = trained_on(plan, {0});
  const auto order =
      stages.measure("shuffle", [&] { return shuffled_positions(rows.size(), {.purpose = Purpose::kShuffle}); });
  read_epoch(crops, stages.measure("cut", [&] { return plan_epoch(rows, order); }), stages);
  const auto handed_in = predictions(plan, static_cast<int>(classes.size()));
  OofModel model = stages.measure(
      "gather", [&] { return gather_model("resnet18", plan, static_cast<int>(classes.size()), handed_in); });
  const std::vector<OofTable> tables{table_of(table, classes, std::move(model))};
  stages.measure("write_oof", [&] {
    write_oof(scratch / "oof.h5", plan, tables);
    return true;
  });
  const std::string written = read_file(scratch / "oof.h5");
  stages.measure("disk", [&] {  // the disk's share of write_oof
    write_file(scratch / "same_bytes.h5", written);
    return true;
  });
  stages.print(crops.rows(), before);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: bench_growth crops.h5 SCRATCH_FOLDER\n"), 2;
  try {
    measure(argv[1], argv[2]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_growth: %s\n", error.what());
    return 3;
  }
}
