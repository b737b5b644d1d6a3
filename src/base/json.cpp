#include "base/json.h"

template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace pleat {

Json parse_json(std::string_view text) { return Json::parse(text); }

Json parse_json_or_null(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? Json() : json;
}

}  // namespace pleat
