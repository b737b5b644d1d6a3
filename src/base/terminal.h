// The terminal that standard error goes to: log lines above, and below them a block of lines that is redrawn in place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pleat {

/// Returns true if standard error is a terminal that can redraw lines, or, under mpirun, a pipe to such a terminal.
/// TERM=dumb or no TERM: false.
bool has_terminal();

/// Whether the locale's characters are UTF-8.
bool has_utf8();

/// Columns and rows of that terminal; 80 and 24 if unknown.
struct TerminalSize {
  int columns = 80, rows = 24;
};
TerminalSize terminal_size();

/// Replaces the block; none: removes it. Lines are cut to the terminal's width; if there are more than its rows, the
/// first ones are left out. Thread-safe. Requires: has_terminal().
void show_block(std::vector<std::string> lines);

/// Removes the block for good: this process is about to be ended. Does not wait for a thread that holds the terminal.
void end_block();

/// Hides the block while it lives, so that other text can be written to standard error. Thread-safe: blocks other uses.
class BlockHidden {
 public:
  BlockHidden();
  ~BlockHidden();
  BlockHidden(const BlockHidden&) = delete;
  BlockHidden& operator=(const BlockHidden&) = delete;
};

/// Cuts UTF-8 text to `columns` characters.
std::string_view cut_to_columns(std::string_view text, int columns);

}  // namespace pleat
