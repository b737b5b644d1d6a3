// The convolution plan: the way to compute each pass of each convolution. It is measured once and saved, since timings
// differ between runs, and different ways differ in the last bits of their results.
#pragma once

#include <set>
#include <string>

#include "base/fields.h"
#include "kernels/fast_conv.h"

namespace pleat {

/// Times every way of every pass on `batch` images with this process's threads, and keeps the fastest way.
/// Leaves the library only for a way that is faster by more than timings scatter. Takes milliseconds per shape.
ConvPlan measure_plan(const std::set<ConvShape>& shapes, std::int64_t batch);

/// An array with one object per shape. Format: docs/formats.md, conv_plan.json.
/// Throws: DataError naming `source` (plan_from_json).
Json to_json(const ConvPlan& plan);
ConvPlan plan_from_json(const Json& json, const std::string& source);

}  // namespace pleat
