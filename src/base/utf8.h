// Checks that input is valid UTF-8, and prepares it for messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pleat {

/// Returns the length of the longest prefix that is valid UTF-8 without NUL; text.size() if all of it is.
/// Source: RFC 3629 (no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_prefix(std::string_view text);

/// Returns an input value for a message: cut to about `most_bytes` bytes, with control characters escaped (\n, \x1B),
/// since they could break the line or control the terminal. Other text is unchanged.
std::string shown(std::string_view text, std::size_t most_bytes = 200);

/// Names for a message: 'id', 'path', … and 990 more.
std::string shown_names(const std::vector<std::string>& names);

}  // namespace pleat
