// A small run for tests: a crops file of a few rows with labels, persons and splits, and a config for it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "run/dataset.h"
#include "run/round.h"

namespace pleat {

struct SmallRow {
  std::string label, person, split = "train";
};

// Makes gray 4x4 crops "r0", "r1", … with the columns label, parity (of the row), number (row modulo 10), person and
// split.
inline void make_crops_of(const std::filesystem::path& path, const std::vector<SmallRow>& rows) {
  constexpr ImageShape kGray{.height = 4, .width = 4, .channels = 1};
  SampleTable table{.names = {"id", "label", "parity", "number", "person", "split"},
                    .values = std::vector<std::vector<std::string>>(6)};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::vector<std::string> values{"r" + std::to_string(i),
                                          rows[i].label,
                                          rows[i].label.empty() ? ""
                                          : i % 2               ? "odd"
                                                                : "even",
                                          rows[i].label.empty() ? "" : std::to_string(i % 10),
                                          rows[i].person,
                                          rows[i].split};
    for (std::size_t c = 0; c < values.size(); ++c) table.values[c].push_back(values[c]);
  }
  create_crops(path, kGray, table, {{"crop", "none"}});
  CropWriter writer(path);
  for (std::size_t i = 0; i < rows.size(); ++i)
    writer.write(i, std::vector<std::uint8_t>(kGray.bytes(), static_cast<std::uint8_t>(i * 7)));
  writer.finish();
}

// `count` train rows with the classes a, b, c in turn and three rows per person, two test rows and one unlabelled row.
inline std::vector<SmallRow> usual_rows(std::size_t count = 36) {
  std::vector<SmallRow> rows;
  for (std::size_t i = 0; i < count; ++i)
    rows.push_back({std::string(1, static_cast<char>('a' + i % 3)), "p" + std::to_string(i / 3)});
  rows.push_back({"a", "t0", "test"});
  rows.push_back({"b", "t1", "test"});
  rows.push_back({"", "u0", "unlabelled"});
  return rows;
}

inline RunConfig config_for(const std::filesystem::path& crops) {
  RunConfig config;
  config.data.crops = crops.string();
  config.targets = {{.name = "label"}};
  config.models = {{.id = "small", .name = "resnet20"}};
  config.folds.k = 3;
  config.train.batch = 8;
  config.train.precision = "fp32";
  return config;
}

// Sets up a run with new folds.
struct SmallRun {
  RunConfig config;
  Dataset dataset;
  FoldPlan plan;
  Round round;

  explicit SmallRun(const RunConfig& given)
      : config(given), dataset(open_dataset(config)), plan(make_folds(fold_request(config, dataset))) {
    dataset.train = rows_of_plan(dataset, plan);
    dataset.norm = choose_norm(config, dataset);
    round = {.labels = dataset.labels};
    round.jobs = plan_jobs(round.labels, config, dataset, plan, hash_model_files(config));
  }
};

}  // namespace pleat
