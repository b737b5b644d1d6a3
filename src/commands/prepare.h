// pleat prepare: makes a crops file from photos or IDX files, or verifies one (--verify).
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"
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
  std::int64_t max_pixels = 0;  // 0: not given
  bool skip_bad = false;
  std::string same_text;    // check or strict; empty: not given
  std::size_t preview = 0;  // photos on a sheet beside `out`; 0: no sheet
  std::filesystem::path idx_images, idx_labels, idx_test_images, idx_test_labels;
  std::filesystem::path out;
  std::filesystem::path verify;
};

/// Adds the verb and its flags. The parser writes to `options`.
/// Requires: `options` outlives `program`.
CLI::App* add_prepare(CLI::App& program, PrepareOptions& options);

/// Collective: every rank calls it.
/// Throws: UsageError, DataError.
ExitCode prepare_verb(const PrepareOptions& options, const Ranks& ranks);

}  // namespace pleat
