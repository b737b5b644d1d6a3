#include "ensemble/target_probs.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "data/sample_table.h"

namespace pleat {

std::string format_predictions(const std::vector<std::string>& ids, const std::vector<std::string>& splits,
                               const std::vector<TargetProbs>& targets) {
  std::string text = "id,split";
  for (const TargetProbs& target : targets) {
    text += fmt::format(",{}", csv_field(target.target));
    for (const std::string& name : target.classes)
      text += fmt::format(",{}", csv_field(fmt::format("{}:{}", target.target, name)));
    if (target.normal.defined())
      text += fmt::format(",{},{}", csv_field(target.target + ".mean"), csv_field(target.target + ".deviation"));
  }
  text += "\n";
  for (std::size_t row = 0; row < ids.size(); ++row) {
    text += csv_field(ids[row]) + "," + splits[row];
    for (const TargetProbs& target : targets) {
      const double* probs = target.probs.const_data_ptr<double>() + row * target.classes.size();
      const auto best = std::max_element(probs, probs + target.classes.size()) - probs;
      text += fmt::format(",{}", csv_field(target.classes[std::size_t(best)]));
      for (std::size_t c = 0; c < target.classes.size(); ++c)
        fmt::format_to(std::back_inserter(text), ",{:.6f}", probs[c]);
      if (!target.normal.defined()) continue;
      const double* normal = target.normal.const_data_ptr<double>() + row * 2;
      fmt::format_to(std::back_inserter(text), ",{:.6g},{:.6g}", normal[0], normal[1]);
    }
    text += "\n";
  }
  return text;
}

}  // namespace pleat
