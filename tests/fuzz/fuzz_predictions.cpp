// Fuzzes data/prediction_table: predictions of another program, as CSV and HDF5. In an accepted table each row of a
// target that is there sums to 1.
#include <cmath>
#include <stdexcept>

#include "base/error.h"
#include "data/prediction_table.h"
#include "input_file.h"
#include "reader_outcome.h"

extern "C" {
// HDF5 leaks memory when it refuses a damaged file.
const char* __lsan_default_suppressions() { return "leak:libhdf5"; }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pleat;
  static fuzz::InputFile file("predictions");
  static const std::vector<PredictedTarget> targets{{"mask", {"a", "b"}}, {"age", {"x", "y", "z"}}};
  fuzz::run_reader<DataError>([&] {
    const PredictionTable table = read_prediction_table(file.holding(data, size), targets);
    for (std::size_t t = 0; t < targets.size(); ++t) {
      const std::size_t classes = targets[t].classes.size();
      if (table.probs[t].empty()) continue;
      if (table.probs[t].size() != table.ids.size() * classes) throw std::logic_error("a table of another size");
      for (std::size_t row = 0; row < table.ids.size(); ++row) {
        double sum = 0;
        for (std::size_t c = 0; c < classes; ++c) sum += table.probs[t][row * classes + c];
        if (!(std::abs(sum - 1) < 1e-9)) throw std::logic_error("a row that does not sum to 1");
      }
    }
  });
  return 0;
}
