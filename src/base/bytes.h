// Typed values as bytes, for messages between the ranks of one build. Not a file format: layout and byte order are the
// machine's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "base/error.h"

namespace pleat {

/// A struct that lists its members:
///   static constexpr auto members() { return std::tuple{&Failure::code, &Failure::message}; }
template <class T>
concept MessageStruct = requires {
  T::members();
};

namespace bytes_detail {

template <class T>
concept Plain = (std::is_arithmetic_v<T> || std::is_enum_v<T>)&&!std::is_same_v<T, bool>;

class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  std::string_view take(std::size_t count) {
    if (count > left_.size())
      throw ClusterError("a message between ranks is cut short; start all ranks from one build");
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }
  std::size_t left() const { return left_.size(); }

 private:
  std::string_view left_;
};

template <Plain T>
void write(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <Plain T>
void read(Reader& in, T& value) {
  std::memcpy(&value, in.take(sizeof value).data(), sizeof value);
}

inline void write(std::string& out, const bool& value) { write(out, static_cast<std::uint8_t>(value)); }
inline void read(Reader& in, bool& value) {
  std::uint8_t byte = 0;
  read(in, byte);
  value = byte != 0;
}

inline void write(std::string& out, const std::string& value) {
  write(out, std::uint64_t{value.size()});
  out += value;
}
inline void read(Reader& in, std::string& value) {
  std::uint64_t size = 0;
  read(in, size);
  value = in.take(size);
}

template <class... T>
void write(std::string& out, const std::tuple<T...>& value);
template <class... T>
void read(Reader& in, std::tuple<T...>& value);
template <class Key, class T>
void write(std::string& out, const std::map<Key, T>& value);
template <class Key, class T>
void read(Reader& in, std::map<Key, T>& value);
template <class T>
void write(std::string& out, const std::optional<T>& value);
template <class T>
void read(Reader& in, std::optional<T>& value);
template <MessageStruct T>
void write(std::string& out, const T& value);
template <MessageStruct T>
void read(Reader& in, T& value);

template <class T>
void write(std::string& out, const std::vector<T>& values) {
  write(out, std::uint64_t{values.size()});
  for (const auto& value : values) write(out, value);
}
template <class T>
void read(Reader& in, std::vector<T>& values) {
  std::uint64_t size = 0;
  read(in, size);
  if (size > in.left()) in.take(size);  // throws: every item takes at least a byte
  values.resize(size);
  for (T& value : values) read(in, value);
}

template <class T>
void write(std::string& out, const std::optional<T>& value) {
  write(out, value.has_value());
  if (value) write(out, *value);
}
template <class T>
void read(Reader& in, std::optional<T>& value) {
  bool given = false;
  read(in, given);
  if (!given) return value.reset();
  read(in, value.emplace());
}

template <class... T>
void write(std::string& out, const std::tuple<T...>& value) {
  std::apply([&](const T&... item) { (write(out, item), ...); }, value);
}
template <class... T>
void read(Reader& in, std::tuple<T...>& value) {
  std::apply([&](T&... item) { (read(in, item), ...); }, value);
}

template <class Key, class T>
void write(std::string& out, const std::map<Key, T>& values) {
  write(out, std::uint64_t{values.size()});
  for (const auto& [key, value] : values) write(out, key), write(out, value);
}
template <class Key, class T>
void read(Reader& in, std::map<Key, T>& values) {
  std::uint64_t size = 0;
  read(in, size);
  for (std::uint64_t i = 0; i < size; ++i) {
    Key key{};
    read(in, key);
    read(in, values[key]);
  }
}

template <MessageStruct T>
void write(std::string& out, const T& value) {
  std::apply([&](const auto&... member) { (write(out, value.*member), ...); }, T::members());
}
template <MessageStruct T>
void read(Reader& in, T& value) {
  std::apply([&](const auto&... member) { (read(in, value.*member), ...); }, T::members());
}

}  // namespace bytes_detail

/// Takes numbers, bool, enums, std::string, and vectors (but not of bool), maps, tuples, optionals and message structs
/// of any of them.
template <class T>
std::string to_bytes(const T& value) {
  std::string bytes;
  bytes_detail::write(bytes, value);
  return bytes;
}

/// Throws ClusterError if the bytes are not exactly one T.
template <class T>
T from_bytes(std::string_view bytes) {
  bytes_detail::Reader reader(bytes);
  T value{};
  bytes_detail::read(reader, value);
  if (reader.left() > 0) throw ClusterError("a message between ranks is too long; start all ranks from one build");
  return value;
}

}  // namespace pleat
