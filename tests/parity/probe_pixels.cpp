#include <ATen/Functions.h>

#include <functional>
#include <map>
#include <stdexcept>

#include "base/files.h"
#include "batches/pixel_ops.h"
#include "model/tensor_file.h"
#include "parity_probe.h"

namespace pleat {

void probe_pixels(const Arguments& arguments) {
  if (arguments.size() != 3) throw std::invalid_argument("expected OPERATION GIVEN OUT");
  using Operation = std::function<torch::Tensor(const torch::Tensor&, const torch::Tensor&)>;
  const std::map<std::string, Operation> operations = {
      {"brightness", adjust_brightness},
      {"contrast", adjust_contrast},
      {"saturation", adjust_saturation},
      {"sharpness", adjust_sharpness},
      {"solarize", solarize},
      {"posterize", posterize},
      {"autocontrast", [](const torch::Tensor& images, const torch::Tensor&) { return autocontrast(images); }},
      {"equalize", [](const torch::Tensor& images, const torch::Tensor&) { return equalize(images); }},
      {"rotate", [](const torch::Tensor& images, const torch::Tensor& degrees) {
         return move_pixels(images, rotation(degrees));
       }}};
  const TensorFile given = read_tensors(arguments[1]);
  const torch::Tensor changed = operations.at(arguments[0])(given.at("images"), given.at("amounts"));
  write_file(arguments[2], tensors_to_bytes({{"images", changed}}));
}

}  // namespace pleat
