#include "base/utf8.h"

#include <fmt/format.h>

#include <algorithm>

namespace pleat {
namespace {

using Byte = unsigned char;

// Returns the length of the first UTF-8 sequence; 0 if it is malformed or NUL.
std::size_t sequence_length(std::string_view text) {
  const auto at = [text](std::size_t i) { return i < text.size() ? static_cast<Byte>(text[i]) : Byte{0}; };
  const auto in = [&at](std::size_t i, Byte low, Byte high) { return at(i) >= low && at(i) <= high; };
  const Byte first = at(0);
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return in(1, 0x80, 0xBF) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const Byte low = first == 0xE0 ? 0xA0 : 0x80;   // lower ones are overlong
    const Byte high = first == 0xED ? 0x9F : 0xBF;  // higher ones are surrogates
    return in(1, low, high) && in(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const Byte low = first == 0xF0 ? 0x90 : 0x80;
    const Byte high = first == 0xF4 ? 0x8F : 0xBF;
    return in(1, low, high) && in(2, 0x80, 0xBF) && in(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::size_t utf8_prefix(std::string_view text) {
  std::size_t good = 0;
  while (good < text.size()) {
    const std::size_t length = sequence_length(text.substr(good));
    if (length == 0) break;
    good += length;
  }
  return good;
}

std::string shown(std::string_view text, std::size_t most_bytes) {
  std::string line;
  for (std::size_t at = 0, length = 0; at < text.size(); at += length) {
    if (line.size() >= most_bytes) return line + "…";
    length = std::max<std::size_t>(1, sequence_length(text.substr(at)));
    const std::string_view letter = text.substr(at, length);
    const auto first = static_cast<Byte>(letter[0]);
    const bool control = first < 0x20 || first == 0x7F || (first == 0xC2 && static_cast<Byte>(letter.back()) < 0xA0);
    if (letter == "\n") {
      line += "\\n";
    } else if (letter == "\t") {
      line += "\\t";
    } else if (control || utf8_prefix(letter) == 0) {
      for (const char byte : letter) line += fmt::format("\\x{:02X}", static_cast<Byte>(byte));
    } else {
      line += letter;
    }
  }
  return line;
}

std::string shown_names(const std::vector<std::string>& names) {
  constexpr std::size_t kMostNames = 30;
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    list += fmt::format("{}'{}'", i == 0 ? "" : ", ", shown(names[i], 60));
  }
  if (names.size() > kMostNames) list += fmt::format(", … and {} more", names.size() - kMostNames);
  return list;
}

}  // namespace pleat
