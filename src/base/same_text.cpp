#include "base/same_text.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "base/ascii.h"
#include "base/utf8.h"

namespace pleat {
namespace {

// Decodes the character at `at`, and moves `at` behind it. Returns -1 for a byte that is not UTF-8.
utf8proc_int32_t next_character(std::string_view text, std::size_t& at) {
  utf8proc_int32_t codepoint = 0;
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at),
                                       static_cast<utf8proc_ssize_t>(text.size() - at), &codepoint);
  at += length > 0 ? static_cast<std::size_t>(length) : 1;
  return length > 0 ? codepoint : -1;
}

bool is_whitespace(utf8proc_int32_t codepoint) {
  if (codepoint == ' ' || (codepoint >= '\t' && codepoint <= '\r') || codepoint == 0x85 || codepoint == 0x2800)
    return true;
  if (codepoint < 0x80) return false;
  const utf8proc_category_t category = utf8proc_category(codepoint);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

bool is_control(utf8proc_int32_t codepoint) {
  return (codepoint >= 0 && codepoint < 0x20) || (codepoint >= 0x7F && codepoint < 0xA0);
}

std::string casefolded(std::string_view text) {
  if (is_ascii(text)) return lower_ascii(text);
  utf8proc_uint8_t* mapped = nullptr;
  const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                   static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                                                  UTF8PROC_CASEFOLD | UTF8PROC_IGNORE | UTF8PROC_LUMP));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(mapped, std::free);
  if (length < 0) return std::string(text);  // not UTF-8
  return {reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(length)};
}

std::string with_single_blanks(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const utf8proc_int32_t codepoint = next_character(text, at);
    if (is_whitespace(codepoint)) {
      if (!result.empty() && result.back() != ' ') result += ' ';
    } else if (!is_control(codepoint)) {
      result += text.substr(begin, at - begin);
    }
  }
  if (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

// A decimal number without exponent in its shortest spelling; any other text unchanged. Works on digits, since a double
// would merge long ids.
std::string shortest_number(const std::string& text) {
  if (text.empty() || text.find_first_not_of("+-.0123456789") != std::string::npos) return text;
  const std::size_t sign = text.front() == '-' || text.front() == '+' ? 1 : 0;
  const std::size_t point = std::min(text.find('.'), text.size());
  if (point < sign) return text;
  std::string whole = text.substr(sign, point - sign), fraction = text.substr(std::min(point + 1, text.size()));
  const auto digits = [](const std::string& part) { return part.find_first_not_of("0123456789") == std::string::npos; };
  if ((whole.empty() && fraction.empty()) || !digits(whole) || !digits(fraction)) return text;
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
  fraction.erase(fraction.find_last_not_of('0') + 1);
  const std::string number = (whole.empty() ? "0" : whole) + (fraction.empty() ? "" : "." + fraction);
  return (text.front() == '-' && number != "0" ? "-" : "") + number;
}

// True for characters that a reader cannot see, or cannot tell from a blank or from part of the letter before.
bool is_easily_missed(utf8proc_int32_t codepoint) {
  const utf8proc_category_t category = utf8proc_category(codepoint);
  return is_whitespace(codepoint) || category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_MN ||
         utf8proc_get_property(codepoint)->ignorable || utf8proc_charwidth(codepoint) == 0;
}

}  // namespace

std::string reading_of(std::string_view text) { return shortest_number(with_single_blanks(casefolded(text))); }

std::vector<std::vector<std::string>> alike_values(const std::vector<std::string_view>& values) {
  std::unordered_set<std::string_view> seen;
  std::unordered_multimap<std::size_t, std::string_view> first_of;  // by the reading's hash: readings would fill memory
  std::unordered_map<std::string_view, std::size_t> set_of;         // by its first value
  std::vector<std::vector<std::string>> alike;
  for (const std::string_view value : values) {
    if (value.empty() || !seen.insert(value).second) continue;
    const std::string reading = reading_of(value);
    const std::size_t hash = std::hash<std::string>()(reading);
    const auto [begin, end] = first_of.equal_range(hash);
    const auto first = std::find_if(begin, end, [&](const auto& other) { return reading_of(other.second) == reading; });
    if (first == end) {
      first_of.emplace(hash, value);
      continue;
    }
    const auto [set, is_new] = set_of.emplace(first->second, alike.size());
    if (is_new) alike.push_back({std::string(first->second)});
    alike[set->second].emplace_back(value);
  }
  return alike;
}

std::string spelt_out(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const utf8proc_int32_t codepoint = next_character(text, at);
    const bool spell = codepoint >= 0x80 && is_easily_missed(codepoint);
    result += spell ? fmt::format("\\u{{{:X}}}", codepoint) : std::string(text.substr(begin, at - begin));
  }
  return shown(result);
}

std::string quoted_pair(const std::vector<std::string>& alike) {
  return fmt::format("'{}' and '{}'", spelt_out(alike.at(0)), spelt_out(alike.at(1)));
}

}  // namespace pleat
