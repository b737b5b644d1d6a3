// Finds values that people read as equal although their bytes differ: 'p0' and 'p0 ', 'Cat' and 'cat', '1' and '01'.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pleat {

/// The text as people read it: values with the same reading look equal. Ignores case, Unicode form and compatibility
/// (NFKC_Casefold, Unicode Standard Annex 31), invisible and control characters, kinds of dashes and quotation marks,
/// whitespace at either end, repeated whitespace, and
/// the spelling of a decimal number (sign +, leading zeros, zeros at the end of a fraction: 1.1 and 1.10 are one
/// number).
std::string reading_of(std::string_view text);

/// The distinct values with the same reading, in sets of two or more, each in order of appearance. Empty values are not
/// compared.
std::vector<std::vector<std::string>> alike_values(const std::vector<std::string_view>& values);

/// The value for a message, as shown() gives it, with invisible characters, unusual whitespace and combining marks as
/// escapes: 'cat\u{A0}'.
std::string spelt_out(std::string_view text);

/// "'p0' and 'p0 '": the first two of a set of alike values, for a message.
std::string quoted_pair(const std::vector<std::string>& alike);

}  // namespace pleat
