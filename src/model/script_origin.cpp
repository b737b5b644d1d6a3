#include "model/script_origin.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "weight_formats/zip_archive.h"

namespace pleat {
namespace {

constexpr std::string_view kOriginEntry = "/extra/pleat.json";  // below the archive's one folder

[[noreturn]] void refuse(const std::string& file) {
  throw DataError("{}: its pleat.json is not in the format of launch/export_model.py; export it again", file);
}

// Values of other kinds would give images of NaN, or a crash.
void check_pixels(const ScriptOrigin& origin, const std::string& file) {
  const auto in_range = [](double mean) { return mean >= 0 && mean <= 1; };
  const auto positive = [](double std) { return std > 0; };
  if (origin.mean.size() != origin.std.size() || !std::all_of(origin.mean.begin(), origin.mean.end(), in_range) ||
      !std::all_of(origin.std.begin(), origin.std.end(), positive))
    refuse(file);
}

}  // namespace

ScriptOrigin read_script_origin(std::string_view archive, const std::string& file) {
  const std::vector<ZipEntry> entries = read_zip(archive, file);
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [](const ZipEntry& entry) { return entry.name.ends_with(kOriginEntry); });
  ScriptOrigin origin;
  if (found == entries.end() || (found->stored.empty() && !found->deflated)) return origin;
  if (found->deflated) refuse(file);  // torch.jit.save stores it as it is
  try {
    const auto json = nlohmann::json::parse(found->stored);
    origin.source = json.at("source");
    origin.constants = json.at("constants");
    if (json.contains("head")) origin.heads = json.at("head");
    if (json.contains("options")) origin.options = json.at("options");
    if (json.contains("mean")) origin.mean = json.at("mean").get<std::vector<double>>();
    if (json.contains("std")) origin.std = json.at("std").get<std::vector<double>>();
  } catch (const nlohmann::json::exception&) {
    refuse(file);
  }
  check_pixels(origin, file);
  return origin;
}

}  // namespace pleat
