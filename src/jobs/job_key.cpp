#include "jobs/job_key.h"

#include "base/files.h"

namespace pleat {
namespace {

void compare(const std::string& path, const Json& before, const Json& after, std::vector<std::string>& differences) {
  if (before == after) return;
  if (before.is_object() && after.is_object()) {
    for (const auto& [key, value] : before.items()) {
      compare(fields_detail::join_path(path, key.c_str()), value, after.value(key, Json()), differences);
    }
    for (const auto& [key, value] : after.items()) {
      if (!before.contains(key)) compare(fields_detail::join_path(path, key.c_str()), Json(), value, differences);
    }
    return;
  }
  if (before.is_array() && after.is_array() && before.size() == after.size()) {
    for (std::size_t i = 0; i < before.size(); ++i)
      compare(path + "." + std::to_string(i), before[i], after[i], differences);
    return;
  }
  differences.push_back(fmt::format("{}: {} -> {}", path, before.dump(), after.dump()));
}

}  // namespace

std::string job_key(const Json& identity) {
  // nlohmann::json sorts its keys; the ordered kind would let a reordered struct change every key.
  return sha256(nlohmann::json(identity).dump()).substr(0, 32);
}

std::vector<std::string> differing_fields(const Json& before, const Json& after) {
  std::vector<std::string> differences;
  compare("", before, after, differences);
  return differences;
}

}  // namespace pleat
