#include "run/run_cost.h"

#include "base/files.h"
#include "base/log.h"

namespace pleat {

RunCost operator+(const RunCost& a, const RunCost& b) {
  return {a.wall_seconds + b.wall_seconds, a.train_seconds + b.train_seconds, a.images + b.images};
}

RunCost read_cost(const RunPaths& paths) {
  if (!file_exists(paths.time())) return {};
  try {
    const Json time = parse_json(read_file(paths.time()));
    return {time.at("wall_seconds"), time.at("train_seconds"), time.at("images")};
  } catch (const std::exception& error) {
    spdlog::warn("{} cannot be used ({}); times are counted from now on", paths.time().string(), error.what());
    return {};
  }
}

void write_cost(const RunPaths& paths, const RunCost& cost) {
  const Json time{{"wall_seconds", cost.wall_seconds}, {"train_seconds", cost.train_seconds}, {"images", cost.images}};
  write_file(paths.time(), time.dump(2) + "\n");
}

}  // namespace pleat
