#include "run/conv_plans.h"

#include <ATen/Parallel.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <set>

#include "base/build_info.h"
#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/stopwatch.h"
#include "cluster/host.h"
#include "jobs/job_key.h"
#include "kernels/conv_plan.h"
#include "train/conv_trace.h"
#include "train/memory_estimate.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// Everything besides shapes that timings depend on: CPU, build and threads.
Json machine_kind() {
  std::string model;
  std::ifstream cpus("/proc/cpuinfo");
  for (std::string line; model.empty() && std::getline(cpus, line);) {
    if (line.starts_with("model name")) model = line.substr(line.find(':') + 1);
  }
  return {{"cpu", cpu_kind()}, {"model", model}, {"build", build_id()}, {"threads", at::get_num_threads()}};
}

// Returns the folder of this user's measured plans; none without a home folder.
std::optional<fs::path> cache_folder() {
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg != nullptr && *xdg == '/') return fs::path(xdg) / "pleat" / "conv_plans";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return fs::path(home) / ".cache" / "pleat" / "conv_plans";
  return std::nullopt;
}

// A cache that cannot be read or written only costs time.
std::optional<ConvPlan> from_cache(const fs::path& file) try {
  if (!file_exists(file)) return std::nullopt;
  return plan_from_json(parse_json(read_file(file)).at("plan"), file.string());
} catch (const std::exception& error) {
  spdlog::warn("{} cannot be used ({}); measuring the convolution plan again", file.string(), error.what());
  return std::nullopt;
}

void into_cache(const fs::path& file, const Json& content) try {
  make_folder(file.parent_path());
  write_file(file, content.dump(1) + "\n");
} catch (const Error& error) {
  spdlog::warn("the measured convolution plan is stored only in the run folder, not in the cache: {}", error.what());
}

ConvPlan cached_or_measured(const FoldJob& job, const ImageShape& shape) {
  const std::int64_t batch = images_of_step(job);
  const std::set<ConvShape> shapes = convolutions_of(job, shape);
  ConvPlan every;
  for (const ConvShape& s : shapes) every[s];
  Json content{{"machine", machine_kind()}, {"batch", batch}, {"shapes", to_json(every)}};
  const auto folder = cache_folder();
  const fs::path file = folder ? *folder / (sha256(content.dump()).substr(0, 16) + ".json") : fs::path();
  const bool there = folder && file_exists(file);
  if (there) {
    if (auto plan = from_cache(file)) return *plan;
  }
  const Clock::time_point start = Clock::now();
  ConvPlan plan = measure_plan(shapes, batch);
  spdlog::info("measured {} convolutions of {} in {:.1f} s; {} of them get a faster implementation than the library's",
               shapes.size(), job.model.id, seconds_since(start), plan.size());
  if (folder && !there) {
    if (auto first = from_cache(file)) return *first;  // another run has stored its plan meanwhile: both use that one
  }
  content.erase("shapes");
  content["plan"] = to_json(plan);
  if (folder) into_cache(file, content);
  return plan;
}

}  // namespace

ConvPlans choose_conv_plans(const RunConfig& config, const std::vector<PlannedJob>& jobs, const ImageShape& shape,
                            const torch::Device& device, const ConvPlans& before) {
  if (device.is_cuda() || !config.cluster.fast_conv) return {};
  ConvPlans plans = before;
  for (const PlannedJob& job : jobs) {
    const std::string& id = job.work.model.id;
    if (!plans.contains(id)) plans[id] = cached_or_measured(job.work, shape);
  }
  return plans;
}

const ConvPlan& plan_of(const ConvPlans& plans, const std::string& model) {
  const auto found = plans.find(model);
  return found == plans.end() ? kLibraryAlone : found->second;
}

Json to_json(const ConvPlans& plans) {
  Json all = Json::object();
  for (const auto& [id, plan] : plans) all[id] = to_json(plan);
  return all;
}

std::string hash_of(const ConvPlans& plans) { return plans.empty() ? "" : sha256(to_json(plans).dump()); }

ConvPlans plans_from_json(const Json& json, const std::string& source) {
  ConvPlans plans;
  for (const auto& [id, plan] : json.items()) plans[id] = plan_from_json(plan, source);
  return plans;
}

ConvPlans read_conv_plans(const RunPaths& paths) {
  const fs::path file = paths.conv_plan();
  if (!file_exists(file)) return {};
  const Json json = parse_json_or_null(read_file(file));
  if (!json.is_object())
    throw DataError("{} is damaged; delete it, and pleat train will measure it again", file.string());
  return plans_from_json(json, file.string());
}

}  // namespace pleat
