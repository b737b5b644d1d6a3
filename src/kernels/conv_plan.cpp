#include "kernels/conv_plan.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/stopwatch.h"
#include "base/utf8.h"

namespace pleat {
namespace {

using torch::Tensor;

constexpr std::array kPassNames{"forward", "data_gradient", "weight_gradient"};
constexpr std::array kWayNames{"library", "product", "dense", "loops"};

// Tensors to time a convolution on, filled with ordinary numbers: zeros and denormals run at other speeds.
struct Trial {
  Tensor x, weight, gy;

  Trial(const ConvShape& s, std::int64_t batch) {
    const auto options = at::TensorOptions().dtype(s.bf16 ? at::kBFloat16 : at::kFloat);
    const auto filled = [&](std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
      return at::empty({n, c, h, w}, options, at::MemoryFormat::ChannelsLast).fill_(0.01).add_(0.5);
    };
    x = filled(batch, s.in_channels, s.height, s.width);
    weight = filled(s.out_channels, s.in_channels / s.groups, s.kernel_h, s.kernel_w);
    gy = filled(batch, s.out_channels, s.out_h(), s.out_w());
  }
};

double seconds_of(ConvPass pass, ConvWay way, const ConvShape& shape, const Trial& trial) {
  const Clock::time_point start = Clock::now();
  compute_pass(pass, way, shape, trial.gy, trial.x, trial.weight);
  return seconds_since(start);
}

// Compares each way's shortest time of several turns: disturbances only ever lengthen a timing.
ConvWay fastest(ConvPass pass, const ConvShape& shape, const Trial& trial) {
  constexpr int kTurns = 5;
  constexpr double kLongEnough = 0.25;  // seconds for one pass of one shape
  constexpr double kClearly = 0.92;     // of the library's time
  constexpr double kBeyondDoubt = 0.3;
  std::vector<std::pair<ConvWay, double>> ways;
  for (const ConvWay way : kConvWays) {
    if (!can_compute(way, shape)) continue;
    seconds_of(pass, way, shape, trial);  // the first call also creates kernels and buffers
    ways.emplace_back(way, std::numeric_limits<double>::infinity());
  }
  if (ways.size() == 1) return ways.front().first;
  const auto best = [&] {
    return std::min_element(ways.begin(), ways.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  };
  double spent = 0;
  for (int turn = 0; turn < kTurns && (turn < 2 || spent < kLongEnough); ++turn) {
    for (auto& [way, least] : ways) {
      const double seconds = seconds_of(pass, way, shape, trial);
      spent += seconds;
      least = std::min(least, seconds);
    }
    if (best()->second < kBeyondDoubt * ways.front().second) break;  // one call of the library's slow code takes 0.1 s
  }
  return best()->second < kClearly * ways.front().second ? best()->first : ConvWay::kLibrary;
}

template <class Names>
std::size_t index_of(const Names& names, const std::string& name) {
  return std::size_t(std::find(names.begin(), names.end(), name) - names.begin());
}

ConvShape shape_from(const Json& json) {
  const auto pair = [&](const char* key, std::int64_t& first, std::int64_t& second) {
    first = json.at(key).at(0);
    second = json.at(key).at(1);
  };
  ConvShape s;
  pair("channels", s.in_channels, s.out_channels);
  pair("size", s.height, s.width);
  pair("kernel", s.kernel_h, s.kernel_w);
  pair("stride", s.stride_h, s.stride_w);
  pair("pad", s.pad_h, s.pad_w);
  s.groups = json.at("groups");
  s.bf16 = json.at("bf16");
  return s;
}

}  // namespace

ConvPlan measure_plan(const std::set<ConvShape>& shapes, std::int64_t batch) {
  const torch::NoGradGuard no_grad;
  ConvPlan plan;
  for (const ConvShape& shape : shapes) {
    ConvWays ways;
    const Trial trial(shape, batch);
    for (const ConvPass pass : kConvPasses) ways[pass] = fastest(pass, shape, trial);
    if (ways != ConvWays{}) plan.emplace(shape, ways);
  }
  return plan;
}

Json to_json(const ConvPlan& plan) {
  Json all = Json::array();
  for (const auto& [s, ways] : plan) {
    Json entry{{"channels", {s.in_channels, s.out_channels}},
               {"size", {s.height, s.width}},
               {"kernel", {s.kernel_h, s.kernel_w}},
               {"stride", {s.stride_h, s.stride_w}},
               {"pad", {s.pad_h, s.pad_w}},
               {"groups", s.groups},
               {"bf16", s.bf16}};
    for (const ConvPass pass : kConvPasses) entry[kPassNames[std::size_t(pass)]] = kWayNames[std::size_t(ways[pass])];
    all.push_back(std::move(entry));
  }
  return all;
}

ConvPlan plan_from_json(const Json& json, const std::string& source) try {
  ConvPlan plan;
  for (const Json& entry : json) {
    const ConvShape shape = shape_from(entry);
    ConvWays ways;
    for (const ConvPass pass : kConvPasses) {
      const std::string name = entry.at(kPassNames[std::size_t(pass)]);
      const std::size_t way = index_of(kWayNames, name);
      if (way == kWayNames.size() || !can_compute(kConvWays[way], shape))
        throw DataError("{}: '{}' cannot compute {}; delete the file, and pleat train measures it again", source,
                        shown(name), shown(entry.dump()));
      ways[pass] = kConvWays[way];
    }
    plan.emplace(shape, ways);
  }
  return plan;
} catch (const Json::exception& error) {
  throw DataError("{} is damaged ({}); delete it, and pleat train measures it again", source, error.what());
}

}  // namespace pleat
