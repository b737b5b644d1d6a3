// Config reflection. Each member's name, bound, role and doc stand beside it; the parser, the resolved config, the
// reference in the docs, the job key and the bounds are derived from them. A config struct has
//   static constexpr auto fields() { return std::tuple{field("lr", &TrainConfig::lr, above(0.0), identity, "…"), …}; }
// Members may be bool, int64_t, double, std::string, std::optional or Auto of those, a config struct, a vector or an
// optional of any, or a map with free keys.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/config_node.h"
#include "base/error.h"
#include "base/json.h"

namespace pleat {

/// Whether a field affects results. An identity field enters the job key and is frozen in a run folder. A runtime field
/// only says where and how fast. Every identity field added after the first release is omit_at_default: at its default
/// it stays out of the job key, so keys of finished jobs stay valid.
enum class Role { kIdentity, kOmitAtDefault, kRuntime };
inline constexpr Role identity = Role::kIdentity;
inline constexpr Role omit_at_default = Role::kOmitAtDefault;
inline constexpr Role runtime = Role::kRuntime;

/// The values that a scalar field, or each item of a list, may take.
struct Bound {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool low_open = false, high_open = false;
  std::array<const char*, 16> choices{};
};
constexpr Bound any() { return {}; }
constexpr Bound above(double low) { return {.low = low, .low_open = true}; }
constexpr Bound at_least(double low) { return {.low = low}; }
constexpr Bound between(double low, double high) { return {.low = low, .high = high}; }
constexpr Bound below_one() { return {.low = 0.0, .high = 1.0, .high_open = true}; }  // [0, 1)
constexpr Bound above_zero_to_one() { return {.low = 0.0, .high = 1.0, .low_open = true}; }
template <class... Name>
constexpr Bound one_of(Name... names) {
  Bound bound;
  bound.choices = {names...};
  return bound;
}

/// A value that pleat chooses if the config says `auto`.
template <class T>
struct Auto {
  std::optional<T> value;
  bool operator==(const Auto&) const = default;
};

template <class Owner, class T>
struct Field {
  const char* name;
  T Owner::*member;
  Bound bound;
  Role role;
  const char* doc;
};

template <class Owner, class T>
constexpr Field<Owner, T> field(const char* name, T Owner::*member, Bound bound, Role role, const char* doc) {
  return {name, member, bound, role, doc};
}

template <class T>
concept ConfigStruct = requires {
  T::fields();
};

namespace fields_detail {

[[noreturn]] void refuse(const ConfigNode& node, const std::string& path, const std::string& expected);
void check_number(const ConfigNode& node, const std::string& path, double value, const Bound& bound);
void check_choice(const ConfigNode& node, const std::string& path, const std::string& value, const Bound& bound);
std::int64_t read_integer(const ConfigNode& node, const std::string& path);
double read_number(const ConfigNode& node, const std::string& path);
void check_known_keys(const ConfigNode& node, const std::string& path, const std::vector<std::string>& known);
std::string describe(const Bound& bound);
bool is_null(const ConfigNode& node);

inline std::string join_path(const std::string& path, const char* name) {
  return path.empty() ? name : path + "." + name;
}

inline void read(const ConfigNode& node, const std::string& path, const Bound&, bool& value) {
  if (node.scalar == "true")
    value = true;
  else if (node.scalar == "false")
    value = false;
  else
    refuse(node, path, "true or false");
}
inline void read(const ConfigNode& node, const std::string& path, const Bound& bound, std::int64_t& value) {
  value = read_integer(node, path);
  check_number(node, path, static_cast<double>(value), bound);
}
inline void read(const ConfigNode& node, const std::string& path, const Bound& bound, double& value) {
  value = read_number(node, path);
  check_number(node, path, value, bound);
}
inline void read(const ConfigNode& node, const std::string& path, const Bound& bound, std::string& value) {
  if (is_null(node)) return value.clear();
  if (node.kind != ConfigNode::Kind::kScalar) refuse(node, path, "a word");
  check_choice(node, path, node.scalar, bound);
  value = node.scalar;
}
template <class T>
void read(const ConfigNode& node, const std::string& path, const Bound& bound, Auto<T>& value) {
  if (is_null(node) || node.scalar == "auto") return value.value.reset();
  read(node, path, bound, value.value.emplace());
}
template <ConfigStruct T>
void read(const ConfigNode& node, const std::string& path, const Bound&, T& value);
template <class T>
void read(const ConfigNode& node, const std::string& path, const Bound& bound, std::optional<T>& value) {
  if (is_null(node)) return value.reset();
  read(node, path, bound, value.emplace());
}
template <class T>
void read(const ConfigNode& node, const std::string& path, const Bound& bound, std::map<std::string, T>& value) {
  if (is_null(node)) return value.clear();
  if (node.kind != ConfigNode::Kind::kMap) refuse(node, path, "keys and values");
  value.clear();
  for (const auto& [key, item] : node.map) read(item, join_path(path, key.c_str()), bound, value[key]);
}
template <class T>
void read(const ConfigNode& node, const std::string& path, const Bound& bound, std::vector<T>& value) {
  if (is_null(node)) return value.clear();
  if (node.kind != ConfigNode::Kind::kList) refuse(node, path, "a list, as in [a, b]");
  value.clear();
  for (const auto& item : node.list) {
    T parsed{};
    read(item, path + "." + std::to_string(value.size()), bound, parsed);
    value.push_back(std::move(parsed));
  }
}
template <ConfigStruct T>
void read(const ConfigNode& node, const std::string& path, const Bound&, T& value) {
  if (is_null(node)) return;
  if (node.kind != ConfigNode::Kind::kMap) refuse(node, path, "keys and values");
  std::apply(
      [&](const auto&... each) {
        check_known_keys(node, path, {each.name...});
        const auto read_one = [&](const auto& f) {
          if (const ConfigNode* given = node.find(f.name))
            read(*given, join_path(path, f.name), f.bound, value.*f.member);
        };
        (read_one(each), ...);
      },
      T::fields());
}

/// kAll: every field; kIdentity: all identity fields; kKey: those without the ones that are omitted at their default.
enum class Selection { kAll, kIdentity, kKey };

template <class T>
Json write(const T& value, Selection) {
  return value;
}
template <class T>
Json write(const Auto<T>& value, Selection) {
  return value.value ? Json(*value.value) : Json("auto");
}
template <ConfigStruct T>
Json write(const T& value, Selection selection);
template <class T>
Json write(const std::optional<T>& value, Selection selection) {
  return value ? write(*value, selection) : Json(nullptr);
}
template <class T>
Json write(const std::map<std::string, T>& value, Selection) {
  return value.empty() ? Json::object() : Json(value);
}
template <class T>
Json write(const std::vector<T>& value, Selection selection) {
  Json list = Json::array();
  for (const T& item : value) list.push_back(write(item, selection));
  return list;
}
template <ConfigStruct T>
Json write(const T& value, Selection selection) {
  const T defaults;
  Json object = Json::object();
  std::apply(
      [&](const auto&... each) {
        const auto write_one = [&](const auto& f) {
          if (selection != Selection::kAll && f.role == Role::kRuntime) return;
          Json written = write(value.*f.member, selection);
          const bool may_omit = selection == Selection::kKey && f.role == Role::kOmitAtDefault;
          if (!may_omit || written != write(defaults.*f.member, selection)) object[f.name] = std::move(written);
        };
        (write_one(each), ...);
      },
      T::fields());
  return object;
}

template <class T>
struct ElementOf {
  using type = T;
};
template <class T>
struct ElementOf<std::vector<T>> {
  using type = T;
};
template <ConfigStruct T>
struct ElementOf<std::optional<T>> {
  using type = T;
};
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

}  // namespace fields_detail

/// Reads a config struct. Missing keys keep their defaults.
/// Throws: UsageError naming file:line, key, value and expectation; for an unknown key also the nearest known one.
template <ConfigStruct T>
T read_fields(const ConfigNode& node) {
  T value;
  fields_detail::read(node, "", any(), value);
  return value;
}

/// Every field, in declared order.
template <ConfigStruct T>
Json to_json(const T& value) {
  return fields_detail::write(value, fields_detail::Selection::kAll);
}

/// The fields that affect results.
template <ConfigStruct T>
Json identity_of(const T& value) {
  return fields_detail::write(value, fields_detail::Selection::kIdentity);
}

/// The fields that enter a job key: identity_of without the omit_at_default fields that have their default value.
template <ConfigStruct T>
Json key_fields_of(const T& value) {
  return fields_detail::write(value, fields_detail::Selection::kKey);
}

ConfigNode from_json(const Json& json);

/// One row of the reference per field.
struct FieldDoc {
  std::string key, default_value, bound, doc;
  Role role;
};
template <ConfigStruct T>
void describe_fields(const std::string& path, std::vector<FieldDoc>& rows) {
  const T defaults;
  std::apply(
      [&](const auto&... each) {
        const auto describe_one = [&](const auto& f) {
          using Member = std::remove_cvref_t<decltype(defaults.*f.member)>;
          using Element = typename fields_detail::ElementOf<Member>::type;
          const std::string key = fields_detail::join_path(path, f.name);
          if constexpr (ConfigStruct<Element>) {
            const bool list = fields_detail::is_vector<Member>;
            rows.push_back({list ? key + "[]" : key, "", "", f.doc, f.role});
            describe_fields<Element>(list ? key + "[]" : key, rows);
          } else {
            rows.push_back({key, fields_detail::write(defaults.*f.member, fields_detail::Selection::kAll).dump(),
                            fields_detail::describe(f.bound), f.doc, f.role});
          }
        };
        (describe_one(each), ...);
      },
      T::fields());
}

}  // namespace pleat
