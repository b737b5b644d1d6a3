#include "model/state_fit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/utils.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "base/error.h"
#include "base/utf8.h"

namespace pleat {
namespace {

using ByName = std::map<std::string, torch::Tensor>;

ByName by_name(const NamedTensors& tensors, const std::string& source) {
  ByName values(tensors.begin(), tensors.end());
  if (values.size() != tensors.size()) throw DataError("{} does not fit: it names a tensor twice", source);
  return values;
}

// Adds a text such as "missing a, b and 3 more", or nothing if `names` is empty.
void add_problem(std::vector<std::string>& problems, const char* what, const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 8;
  if (names.empty()) return;
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kMost));
  std::vector<std::string> some;
  std::transform(names.begin(), end, std::back_inserter(some), [](const std::string& name) { return shown(name); });
  std::string text = fmt::format("{} {}", what, fmt::join(some, ", "));
  if (names.size() > kMost) text += fmt::format(" and {} more", names.size() - kMost);
  problems.push_back(std::move(text));
}

Misfits compare(const NamedTensors& to, const ByName& from) {
  Misfits found;
  std::vector<std::string> shapes, kinds;
  ByName wanted;
  for (const auto& [name, tensor] : to) {
    wanted.emplace(name, tensor);
    const auto given = from.find(name);
    if (given == from.end()) {
      found.missing.push_back(name);
    } else if (given->second.sizes() != tensor.sizes()) {
      found.wrong_shape.push_back(name);
      shapes.push_back(fmt::format("{} [{}] for [{}]", name, fmt::join(given->second.sizes(), ", "),
                                   fmt::join(tensor.sizes(), ", ")));
    } else if (given->second.is_floating_point() != tensor.is_floating_point()) {
      const auto kind = given->second.scalar_type();
      kinds.push_back(fmt::format("{} {} for {}", name, toString(kind), toString(tensor.scalar_type())));
      if (at::isIntegralType(kind, /*includeBool=*/true)) found.whole_numbers.push_back(name);
    }
  }
  for (const auto& [name, tensor] : from) {
    if (!wanted.contains(name)) found.extra.push_back(name);
  }
  add_problem(found.problems, "missing", found.missing);
  add_problem(found.problems, "extra", found.extra);
  add_problem(found.problems, "wrong shape:", shapes);
  add_problem(found.problems, "wrong dtype:", kinds);
  return found;
}

}  // namespace

Misfits misfits_of(const NamedTensors& to, const NamedTensors& from, const std::string& source) {
  return compare(to, by_name(from, source));
}

void load_state(Classifier& classifier, const NamedTensors& state, const std::string& source) {
  copy_state(state_of(classifier), state, source);
}

void copy_state(const NamedTensors& to, const NamedTensors& from, const std::string& source) {
  const ByName values = by_name(from, source);
  const Misfits found = compare(to, values);
  if (!found.problems.empty()) throw DataError("{} does not fit: {}", source, fmt::join(found.problems, "; "));
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : to) torch::Tensor(tensor).copy_(values.at(name));
}

}  // namespace pleat
