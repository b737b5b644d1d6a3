// Compares tensors from a file with those of a network.
#pragma once

#include <string>
#include <vector>

#include "model/classifier.h"

namespace pleat {

struct Misfits {
  std::vector<std::string> missing, wrong_shape;  // the network's names
  std::vector<std::string> whole_numbers;         // the network's names: floats there, integers in the file
  std::vector<std::string> extra;                 // the file's names
  std::vector<std::string> problems;              // all of them in words; long lists are cut short
};

/// Finds the tensors of `to` and `from` that do not match by name, shape and kind of number. `source` is the file named
/// in errors.
/// Throws: DataError if `from` names a tensor twice.
Misfits misfits_of(const NamedTensors& to, const NamedTensors& from, const std::string& source);

}  // namespace pleat
