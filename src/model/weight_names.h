// Fits the names in a file of weights to a network's.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "model/tensor_file.h"

namespace pleat {

/// True for the counters of BatchNorm, which only files of PyTorch 0.4.1 and later have.
bool is_counter(const std::string& name);

NamedTensors without_counters(const NamedTensors& tensors);

/// The prefixes that end in '.' and begin the names of all tensors, the shortest first: "model.", "model.net.".
std::vector<std::string> common_prefixes(const NamedTensors& tensors);

/// Whether all names are the network's, without `prefix`. Counters and the names of `head` may be missing.
bool names_fit(const NamedTensors& tensors, const std::string& prefix, const NamedTensors& own,
               const std::set<std::string>& head);

/// Removes a prefix that all names share, if the rest are the network's names. Otherwise removes only "module." and
/// "_orig_mod.". Logs the prefix. Drops the counter of torch.optim.swa_utils.AveragedModel.
///   own: the network's tensors; head: names of its last layer, which may be missing
void take_prefix_off(TensorFile& file, const NamedTensors& own, const std::set<std::string>& head);

/// Returns the file's tensors under the network's names, in order, without counters. Empty if the numbers of tensors
/// differ, a shape does, or the format does not keep the order; `problem` then says which.
///   head: names of the network whose shapes may differ, and which the file may lack
NamedTensors by_order(const TensorFile& file, const NamedTensors& own, const std::set<std::string>& head,
                      std::string& problem);

}  // namespace pleat
