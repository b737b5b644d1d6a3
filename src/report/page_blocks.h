// The parts of a page, as JSON for the templates in page/. All text is plain: the templates escape it.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace pleat {

/// A section with a heading and no blocks. The blocks are added to ["blocks"].
///   id: for links, letters
Json page_section(const std::string& id, const std::string& title);
/// Adds a block to a section.
void add_block(Json& section, Json block);

Json heading(const std::string& text);
Json paragraph(const std::string& text);
/// A sentence on how to use the page, which the Markdown lacks.
Json hint(const std::string& text);
/// A sentence that a reader must not miss.
Json warning(const std::string& text);

struct TableCell {
  std::string text;
  std::string tone;  // "good", "bad", "mute" or empty
};

/// A table. The first cell of a row is its header. Cells that are numbers align to the right.
struct PageTable {
  std::string caption;  // may be empty
  std::vector<std::string> head;
  std::vector<std::vector<TableCell>> rows;
  std::string folded;  // if not empty: the table is hidden behind this text
};
Json table_block(const PageTable& table);

/// A picture from chart.h.
///   in_words: what it shows, for report.md; may be empty
Json figure(const std::string& svg, const std::string& caption, const std::string& in_words = "");

}  // namespace pleat
