// JSON that keeps the order of its keys. Its code is compiled once, in json.cpp.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

extern template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace pleat {

using Json = nlohmann::ordered_json;

/// Throws: Json::parse_error.
Json parse_json(std::string_view text);

/// Returns null for text that is not JSON.
Json parse_json_or_null(std::string_view text);

}  // namespace pleat
