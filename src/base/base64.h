// Bytes as text, for data URIs.
#pragma once

#include <string>
#include <string_view>

namespace pleat {

/// Base64 with padding. Source: RFC 4648, section 4.
std::string base64(std::string_view bytes);

}  // namespace pleat
