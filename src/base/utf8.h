// Whether bytes from outside are text that every reader of our files can take, and how such text stands in a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pleat {

/// Length of the longest prefix that is well-formed UTF-8 without NUL; text.size() if all of it is.
/// Source: RFC 3629 (no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_prefix(std::string_view text);

/// A value from outside for a message: cut after some bytes, and with control characters, which would break the
/// line or steer a terminal, as \n or \x1B. Any other text stays as it is.
std::string shown(std::string_view text, std::size_t most_bytes = 200);

/// Names for a message: 'id', 'path', … and 990 more.
std::string shown_names(const std::vector<std::string>& names);

}  // namespace pleat
