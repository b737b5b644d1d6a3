// Renders sections as a page and as Markdown, by the templates in page/.
#pragma once

#include <string>

#include "base/json.h"

namespace pleat {

struct Page {
  std::string title, subtitle;
  Json sections = Json::array();   // of page_section; those without blocks are left out
  Json scripted = Json::object();  // read by the page's script
};

/// One HTML file that loads nothing.
std::string render_html(const Page& page);

/// The headings, sentences and tables.
std::string render_markdown(const Page& page);

/// The first bytes of every page and Markdown file, to recognize them before they are overwritten.
extern const char* const kPageStart;
extern const char* const kMarkdownStart;

}  // namespace pleat
