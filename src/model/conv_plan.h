// Which way each pass of each convolution is computed. Measured once and then written down: timings differ from run to
// run, and results of different ways differ in their last bits.
#pragma once

#include <set>
#include <string>

#include "base/fields.h"
#include "model/fast_conv.h"

namespace pleat {

/// Times every way of every pass on `batch` images, in turn, with this process's threads, and keeps the fastest;
/// another than the library's only if it is faster by more than timings scatter. Takes some milliseconds a shape.
ConvPlan measure_plan(const std::set<ConvShape>& shapes, std::int64_t batch);

/// An array with an object per shape: docs/formats.md, conv_plan.json. plan_from_json throws DataError naming `source`.
Json to_json(const ConvPlan& plan);
ConvPlan plan_from_json(const Json& json, const std::string& source);

}  // namespace pleat
