// Whether bytes from outside are text that every reader of our files can take.
#pragma once

#include <cstddef>
#include <string_view>

namespace pleat {

/// Length of the longest prefix that is well-formed UTF-8 without NUL; text.size() if all of it is.
/// Source: RFC 3629 (no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_prefix(std::string_view text);

}  // namespace pleat
