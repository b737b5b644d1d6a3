// pleat prepare: photos or IDX files to crops.h5, and --verify.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/ranks.h"

namespace CLI {
class App;
}

namespace pleat {

struct PrepareOptions {
  std::filesystem::path table, images;  // photos
  std::string size, crop, background;   // as on the command line; empty: not given
  std::optional<double> face_margin;
  std::filesystem::path detector, masks;
  bool skip_bad = false;
  std::size_t preview = 0;  // photos on a sheet beside `out`; 0: no sheet
  std::filesystem::path idx_images, idx_labels, idx_test_images, idx_test_labels;
  std::filesystem::path out;
  std::filesystem::path verify;
};

/// Adds the verb and its flags. `options` is filled by the parser and must outlive it.
CLI::App* add_prepare(CLI::App& program, PrepareOptions& options);

/// Every rank must call it. Returns the exit code; throws UsageError or DataError.
int run_prepare(const PrepareOptions& options, const Ranks& ranks);

}  // namespace pleat
