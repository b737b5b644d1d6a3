#include <cstdio>
#include <stdexcept>

#include "data/sample_table.h"
#include "folds/fold_plan.h"
#include "parity_probe.h"

namespace pleat {

void probe_folds(const Arguments& arguments) {
  if (arguments.size() != 4) throw std::invalid_argument("expected IN.csv K SEED REPEATS");
  const SampleTable table = read_csv(arguments[0], {"id"});
  FoldRequest request{.ids = table.column("id"),
                      .k = std::stoi(arguments[1]),
                      .repeats = std::stoi(arguments[3]),
                      .seed = std::stoull(arguments[2])};
  for (std::size_t i = 0; i < table.names.size(); ++i) {
    if (table.names[i] == "id") continue;
    if (table.names[i] == "group") {
      request.groups = table.values[i];
      continue;
    }
    request.strata_names.push_back(table.names[i]);
    request.strata.push_back(table.values[i]);
  }
  std::fputs(folds_csv(make_folds(request)).c_str(), stdout);
}

}  // namespace pleat
