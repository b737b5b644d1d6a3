// Values in JSON of a run's files, any of which may be missing or of another kind.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>

#include "base/json.h"

namespace pleat {

/// The value at a key of an object; null if there is none.
inline Json part_of(const Json& json, const char* key) { return json.is_object() ? json.value(key, Json()) : Json(); }

/// The number at a key of an object; none if there is none.
inline std::optional<double> number_in(const Json& json, const char* key) {
  const Json found = part_of(json, key);
  return found.is_number() ? std::optional(found.get<double>()) : std::nullopt;
}

/// The number with this many decimals, or a dash.
inline std::string decimals(const std::optional<double>& number, int count) {
  return number ? fmt::format("{:.{}f}", *number, count) : "–";
}

}  // namespace pleat
