#include <torch/types.h>

#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/files.h"
#include "parity_probe.h"
#include "target/metrics.h"

namespace pleat {
namespace {

torch::Tensor read_tensor(const std::string& path, std::vector<std::int64_t> shape, torch::ScalarType type) {
  const std::string bytes = read_file(path);
  torch::Tensor tensor = torch::empty(shape, type);
  if (tensor.nbytes() != bytes.size()) throw std::invalid_argument(path + " is not of the size that was said");
  std::memcpy(tensor.data_ptr(), bytes.data(), bytes.size());
  return tensor;
}

}  // namespace

void probe_metrics(const Arguments& arguments) {
  if (arguments.size() != 5) throw std::invalid_argument("expected PROBS LABELS N C float32|float64");
  const std::int64_t rows = std::stoll(arguments[2]), classes = std::stoll(arguments[3]);
  const torch::ScalarType type = arguments[4] == "float32" ? torch::kFloat32 : torch::kFloat64;
  const Scores scores =
      score(read_tensor(arguments[0], {rows, classes}, type), read_tensor(arguments[1], {rows}, torch::kInt64));
  const nlohmann::json json = {
      {"accuracy", scores.accuracy}, {"macro_f1", scores.macro_f1}, {"log_loss", scores.log_loss}};
  std::puts(json.dump().c_str());
}

}  // namespace pleat
