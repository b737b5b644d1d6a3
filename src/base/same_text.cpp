#include "base/same_text.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "base/utf8.h"

namespace pleat {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

std::string casefolded(std::string_view text) {
  if (is_ascii(text)) return lower_ascii(text);
  utf8proc_uint8_t* mapped = nullptr;
  const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                   static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                                                  UTF8PROC_CASEFOLD | UTF8PROC_IGNORE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(mapped, std::free);
  if (length < 0) return std::string(text);
  return {reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(length)};
}

std::string with_single_blanks(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool blank = c == ' ' || (c >= '\t' && c <= '\r');
    if (!blank)
      result += c;
    else if (!result.empty() && result.back() != ' ')
      result += ' ';
  }
  if (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

// Returns the shortest spelling of a decimal number without exponent, and any other text unchanged. Works on digits: as
// doubles, different long ids would become equal.
std::string shortest_number(const std::string& text) {
  const std::size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string whole = text.substr(sign, point - sign), fraction = text.substr(std::min(point + 1, text.size()));
  const auto digits = [](const std::string& part) { return part.find_first_not_of("0123456789") == std::string::npos; };
  if (whole.empty() || !digits(whole) || !digits(fraction)) return text;
  const std::size_t first = std::min(whole.find_first_not_of('0'), whole.size() - 1);
  const std::size_t last = fraction.find_last_not_of('0');  // npos + 1 is 0
  std::string number = whole.substr(first);
  if (last != std::string::npos) number += "." + fraction.substr(0, last + 1);
  return (text.front() == '-' && number != "0" ? "-" : "") + number;
}

// True for characters that are invisible, or look like a blank or like part of the letter before.
bool is_easily_missed(utf8proc_int32_t codepoint) {
  if (codepoint == ' ') return false;
  switch (utf8proc_category(codepoint)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_MN:
      return true;
    default:
      return utf8proc_charwidth(codepoint) == 0;
  }
}

}  // namespace

std::string reading_of(std::string_view text) { return shortest_number(with_single_blanks(casefolded(text))); }

std::vector<std::vector<std::string>> alike_values(const std::vector<std::string>& values) {
  std::unordered_set<std::string_view> seen;
  std::unordered_map<std::string, std::size_t> group_of;  // by reading
  std::vector<std::vector<std::string>> groups, alike;
  for (const std::string& value : values) {
    if (value.empty() || !seen.insert(value).second) continue;
    const auto [group, is_new] = group_of.emplace(reading_of(value), groups.size());
    if (is_new) groups.emplace_back();
    groups[group->second].push_back(value);
  }
  for (std::vector<std::string>& group : groups) {
    if (group.size() > 1) alike.push_back(std::move(group));
  }
  return alike;
}

std::string spelt_out(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    utf8proc_int32_t codepoint = 0;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at),
                                         static_cast<utf8proc_ssize_t>(text.size() - at), &codepoint);
    const std::size_t taken = length > 0 ? static_cast<std::size_t>(length) : 1;
    const bool spell = length > 0 && codepoint >= 0x80 && is_easily_missed(codepoint);
    result += spell ? fmt::format("\\u{{{:X}}}", codepoint) : std::string(text.substr(at, taken));
    at += taken;
  }
  return shown(result);
}

std::string quoted_pair(const std::vector<std::string>& alike) {
  return fmt::format("'{}' and '{}'", spelt_out(alike.at(0)), spelt_out(alike.at(1)));
}

}  // namespace pleat
