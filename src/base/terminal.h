// The terminal that standard error goes to: log lines above, and below them a block of lines that is redrawn in place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pleat {

/// Returns true if standard error is a terminal, or, under mpirun, if it is forwarded to one.
bool has_terminal();

/// Columns of that terminal; 80 if unknown.
int terminal_columns();

/// Replaces the block; none: removes it. Lines are cut to the terminal's width. Thread-safe. Requires: has_terminal().
void show_block(std::vector<std::string> lines);

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
