#include "train/optimizer.h"

#include <map>

#include "base/error.h"
#include "train/fused_optimizer.h"

namespace pleat {

std::unique_ptr<Optimizer> make_optimizer(const TrainConfig& config, const std::vector<TrainedParameter>& parameters) {
  using Make = std::unique_ptr<Optimizer> (*)(const TrainConfig&, const std::vector<TrainedParameter>&);
  static const std::map<std::string, Make> kinds{{"adamw", make_adamw}, {"sgd", make_sgd}};
  const auto kind = kinds.find(config.optimizer);
  if (kind == kinds.end()) throw UsageError("train.optimizer '{}' is unknown", config.optimizer);
  return kind->second(config, parameters);
}

}  // namespace pleat
