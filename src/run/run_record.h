// run.json: the data, layout and build of a run. Format: docs/formats.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "data/augment.h"
#include "data/crop_file.h"
#include "run/promise.h"
#include "run/run_paths.h"

namespace pleat {

struct RunRecord {
  struct Data {
    std::string crops, hash;
    std::size_t rows = 0;
    ImageShape shape;
    Provenance provenance;  // attributes of the crops file
  };
  struct RecordedTarget {
    std::string name, column;
    std::vector<std::string> classes;
  };
  struct Layout {
    int ranks = 1, slots = 1, shards = 1;
    std::vector<std::string> hosts;  // by rank
  };

  std::string pleat, build;  // version, and version with commit
  Data data;
  std::string folds;                           // SHA-256 of folds.csv
  std::string labels;                          // hash_of_labels (train.labels)
  std::map<std::string, std::string> scripts;  // SHA-256 of each scripted model's network, by model id
  PixelNorm norm;
  std::map<std::string, PixelNorm> norms;  // of models with another one, by model id
  std::vector<RecordedTarget> targets;
  Layout layout;
  int threads = 1;
  std::string device, precision;
  ComputedBy computed_by;
  std::string promise;

  const PixelNorm& norm_of(const std::string& model) const;
};

Json to_json(const RunRecord& record);

/// Throws: DataError naming the file if it cannot be read, is damaged or incomplete. `folds`, `labels`, `scripts`,
/// `norms` and `computed_by` may be missing, since early versions did not write them.
RunRecord read_run_record(const RunPaths& paths);

/// None if there is no run.json.
std::optional<RunRecord> find_run_record(const RunPaths& paths);

}  // namespace pleat
