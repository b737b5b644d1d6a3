// Log lines that many jobs would repeat.
#pragma once

#include <string>

namespace pleat {

/// Logs a line only once per process: every fold starts from the same file. Thread-safe.
void say_once(const std::string& line);

}  // namespace pleat
