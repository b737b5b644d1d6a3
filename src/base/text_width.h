// The columns that text takes on a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pleat {

/// Wide letters (CJK, emoji) count two, combining marks none. Bytes that are not UTF-8 count one each.
std::size_t text_width(std::string_view text);

/// Adds spaces on the right up to this width.
std::string padded(std::string_view text, std::size_t width);

}  // namespace pleat
