// How tensors from a file fit those of a network.
#pragma once

#include <string>
#include <vector>

#include "model/classifier.h"

namespace pleat {

struct Misfits {
  std::vector<std::string> missing, wrong_shape;  // names of the network's
  std::vector<std::string> extra;                 // names of the file's
  std::vector<std::string> problems;              // all in words, cut short where there are many
};

/// Of tensors that are to take the values of their namesakes: each must be there, with its shape and kind of number,
/// and no other. `source` names the file. Throws DataError if `from` names one twice.
Misfits misfits_of(const NamedTensors& to, const NamedTensors& from, const std::string& source);

}  // namespace pleat
