#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "base/utf8.h"
#include "report/page_blocks.h"
#include "report/views.h"

namespace pleat {
namespace {

constexpr std::size_t kMostLines = 12;  // of one chart
constexpr std::size_t kMostCharts = 12;
constexpr std::size_t kMostPoints = 300;  // of a line

using Networks = std::vector<const TrainedJob*>;  // the folds of one model

// "fold 0", "fold 0 part 1".
std::string in_words(std::string folder) {
  std::replace(folder.begin(), folder.end(), '_', ' ');
  return folder;
}

double rounded(double value) { return std::stod(fmt::format("{:.5g}", value)); }

// Longer lines keep every n-th epoch, and the last.
std::vector<std::size_t> kept_epochs(std::size_t epochs) {
  const std::size_t step = std::max<std::size_t>(1, (epochs + kMostPoints - 1) / kMostPoints);
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < epochs; i += step) kept.push_back(i);
  if (!kept.empty() && kept.back() + 1 != epochs) kept.push_back(epochs - 1);
  return kept;
}

template <class Value>
Json panel(const char* name, const Networks& networks, const std::vector<std::size_t>& kept, const Value& value) {
  Json lines = Json::array();
  for (const TrainedJob* network : networks) {
    Json values = Json::array();
    for (const std::size_t i : kept)
      values.push_back(i < network->epochs.size() ? value(network->epochs[i]) : Json(nullptr));
    lines.push_back({{"name", in_words(network->fold)}, {"values", values}});
  }
  return {{"name", name}, {"lines", lines}};
}

// Non-finite numbers are not JSON.
Json finite(double value) { return std::isfinite(value) ? Json(rounded(value)) : Json(nullptr); }

Json chart_of(const std::string& title, Networks networks) {
  if (networks.size() > kMostLines) networks.resize(kMostLines);
  std::size_t epochs = 0;
  bool scored = false;
  for (const TrainedJob* network : networks) {
    epochs = std::max(epochs, network->epochs.size());
    for (const EpochReport& epoch : network->epochs) scored = scored || epoch.inner_score.has_value();
  }
  const std::vector<std::size_t> kept = kept_epochs(epochs);
  Json x = Json::array();
  for (const std::size_t i : kept) x.push_back(i + 1);
  Json panels = Json::array();
  panels.push_back(panel("training loss", networks, kept, [](const EpochReport& epoch) { return finite(epoch.loss); }));
  if (scored) {
    panels.push_back(panel("score on rows set aside", networks, kept, [](const EpochReport& epoch) {
      return epoch.inner_score ? finite(*epoch.inner_score) : Json(nullptr);
    }));
  }
  panels.push_back(panel("learning rate", networks, kept, [](const EpochReport& epoch) { return finite(epoch.lr); }));
  panels.push_back(panel("images/s", networks, kept, [](const EpochReport& epoch) {
    return epoch.seconds > 0 ? finite(static_cast<double>(epoch.images) / epoch.seconds) : Json(nullptr);
  }));
  panels.push_back(panel("share of time waiting for data", networks, kept, [](const EpochReport& epoch) {
    return epoch.seconds > 0 ? finite(epoch.waited_seconds / epoch.seconds) : Json(nullptr);
  }));
  return {{"title", title}, {"x", x}, {"panels", panels}};
}

}  // namespace

Json curves_view(ReportData& data) {
  Json section = page_section("curves", "Learning curves");
  std::map<std::tuple<int, std::string, std::string>, Networks> charts;
  int last_round = 0;
  for (const TrainedJob& job : data.source.jobs) {
    last_round = std::max(last_round, job.round);
    if (!job.epochs.empty()) charts[{job.round, job.unit, job.model}].push_back(&job);
  }
  if (charts.empty()) return section;
  data.scripted["curves"] = Json::array();
  add_block(section, hint("A line per fold. Drag across a chart to zoom in; double-click to zoom out."));
  std::size_t shown_charts = 0;
  for (const auto& [key, networks] : charts) {
    if (++shown_charts > kMostCharts) break;
    const auto& [round, unit, model] = key;
    const std::string title = fmt::format(
        "{}{}, {}{}", last_round > 0 ? fmt::format("round {}: ", round) : "", shown(unit, 60), shown(model, 60),
        networks.size() > kMostLines ? fmt::format(" (the first {} of {} networks)", kMostLines, networks.size()) : "");
    add_block(section, {{"curves", {{"title", title}, {"number", data.scripted["curves"].size()}}}});
    data.scripted["curves"].push_back(chart_of(title, networks));
  }
  if (charts.size() > kMostCharts)
    add_block(section, paragraph(fmt::format("The first {} of {} charts.", kMostCharts, charts.size())));
  return section;
}

}  // namespace pleat
