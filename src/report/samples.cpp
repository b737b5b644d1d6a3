#include "report/samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/utf8.h"

namespace pleat {
namespace {

constexpr std::size_t kMostSamples = 3000;  // of a page
constexpr std::size_t kShownClasses = 3;    // of a sample
constexpr std::size_t kLongestId = 160;     // bytes

double in_thousandths(double probability) { return std::round(probability * 1000) / 1000; }

// The most probable classes and, if it is not among them, the given one: [[class, probability], …].
Json probabilities(const JudgedTarget& target, std::int64_t row) {
  const std::int64_t classes = target.table->ensemble.size(1);
  const double* probs = target.table->ensemble.const_data_ptr<double>() + row * classes;
  std::vector<std::int64_t> order(static_cast<std::size_t>(classes));
  std::iota(order.begin(), order.end(), 0);
  const auto shown_classes = std::min<std::size_t>(kShownClasses, order.size());
  std::partial_sort(order.begin(), order.begin() + std::ptrdiff_t(shown_classes), order.end(),
                    [probs](std::int64_t a, std::int64_t b) { return probs[a] > probs[b]; });
  order.resize(shown_classes);
  const std::int64_t given = target.label[std::size_t(row)];
  if (std::find(order.begin(), order.end(), given) == order.end()) order.push_back(given);
  Json list = Json::array();
  for (const std::int64_t c : order) list.push_back({c, in_thousandths(probs[c])});
  return list;
}

}  // namespace

int add_sample(ReportData& data, std::size_t target, std::int64_t row, double share) {
  Json& samples = data.scripted["samples"];
  if (samples.is_null()) samples = Json::array();
  // Each target gets its part.
  if (samples.size() * data.targets.size() >= kMostSamples * (target + 1)) return -1;
  const JudgedTarget& judged = data.targets[target];
  const auto place = static_cast<std::size_t>(row);
  Json sample{{"id", shown(data.plan().ids[place], kLongestId)},
              {"fold", data.plan().fold_of.front()[place]},
              {"given", judged.label[place]},
              {"probs", probabilities(judged, row)}};
  if (data.plan().groups[place] != data.plan().ids[place])
    sample["group"] = shown(data.plan().groups[place], kLongestId);
  if (const int photo = data.album.add(data.plan().ids[place], share); photo >= 0) sample["photo"] = photo;
  samples.push_back(std::move(sample));
  return static_cast<int>(samples.size()) - 1;
}

Json class_names(const OofTable& table) {
  Json names = Json::array();
  for (std::size_t c = 0; c < table.classes.size(); ++c) names.push_back(class_text(table, std::int64_t(c)));
  return names;
}

}  // namespace pleat
