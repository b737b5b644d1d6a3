#include "base/text_width.h"

#include <utf8proc.h>

#include <algorithm>

namespace pleat {

std::size_t text_width(std::string_view text) {
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  const auto size = static_cast<utf8proc_ssize_t>(text.size());
  std::size_t width = 0;
  for (utf8proc_ssize_t at = 0; at < size;) {
    utf8proc_int32_t codepoint = -1;
    const utf8proc_ssize_t read = utf8proc_iterate(bytes + at, size - at, &codepoint);
    width += codepoint < 0 ? 1 : static_cast<std::size_t>(utf8proc_charwidth(codepoint));
    at += std::max<utf8proc_ssize_t>(1, read);
  }
  return width;
}

std::string padded(std::string_view text, std::size_t width) {
  const std::size_t mine = text_width(text);
  return std::string(text) + std::string(width > mine ? width - mine : 0, ' ');
}

}  // namespace pleat
