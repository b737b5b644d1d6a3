// Numbers in words, for messages and tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pleat {

/// "45 s", "1 min 59 s" (below ten minutes), "12 min", "3 h 20 min".
std::string duration_text(double seconds);

/// 18900 as "18,900".
std::string grouped(std::size_t number);

/// "1 slot", "2 slots", "3,000 classes".
std::string counted(std::int64_t number, std::string_view noun);

/// The system's text for an errno value: "No such file or directory".
std::string system_error(int error);

}  // namespace pleat
