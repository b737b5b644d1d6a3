// run.log: rank 0's log lines in a file of the run folder, with dates, over all starts of the run.
#pragma once

#include <filesystem>
#include <string_view>

namespace pleat {

/// Appends all further lines to the file, after those that this process has logged so far and the line of `command`.
/// A file that cannot be written costs a warning, not the run.
void start_run_log(const std::filesystem::path& file, std::string_view command);

/// Adds lines to the file that the terminal does not show, if a run log was started.
void log_to_file(std::string_view text);

/// Prints text to standard output, and adds it to the file.
void print_result(std::string_view text);

/// Throws: DataError if anything printed to standard output could not be written.
void flush_output();

}  // namespace pleat
