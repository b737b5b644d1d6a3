// Mustache templates (https://mustache.github.io) are plain HTML with {{names}}; they escape every value unless told
// not to, so text of users cannot become markup.
#include "report/page.h"

#include <algorithm>
#include <kainjow/mustache.hpp>
#include <stdexcept>

#include "page_files.h"
#include "report/uplot.h"

namespace pleat {

const char* const kPageStart = "<!DOCTYPE html>\n<!-- pleat report -->";
const char* const kMarkdownStart = "<!-- pleat report -->";

namespace {

using kainjow::mustache::data;

std::string file_text(std::string_view name) {
  for (const EmbeddedFile& file : kPageFiles)
    if (file.name == name) return std::string(file.text);
  throw std::logic_error("no embedded file " + std::string(name));
}

data to_data(const Json& json) {
  if (json.is_object()) {
    data object{data::type::object};
    for (const auto& [key, value] : json.items()) object.set(key, to_data(value));
    return object;
  }
  if (json.is_array()) {
    data list{data::type::list};
    for (const Json& value : json) list.push_back(to_data(value));
    return list;
  }
  if (json.is_string()) return data{json.get<std::string>()};
  if (json.is_boolean()) return data{json.get<bool>() ? data::type::bool_true : data::type::bool_false};
  if (json.is_null()) return data{data::type::bool_false};
  return data{json.dump()};
}

// JSON inside <script>: "</script>" and "<!--" in a text must not end it.
std::string for_script(const Json& json) {
  std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace), safe;
  for (const char c : text) {
    if (c == '<')
      safe += "\\u003c";
    else
      safe += c;
  }
  return safe;
}

// Escapes marks that would change the layout of Markdown. Lone brackets and underscores do not, and stay readable.
std::string markdown_text(const std::string& text) {
  const bool link = text.find("](") != std::string::npos;
  std::string safe;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      safe += ' ';
    } else if (c == '<') {
      safe += "&lt;";
    } else {
      if (std::string_view("\\`*|").find(c) != std::string_view::npos || (link && c == '[')) safe += '\\';
      safe += c;
    }
  }
  return safe;
}

// Blocks that only the page shows leave empty lines.
std::string without_empty_lines(const std::string& text) {
  std::string kept;
  for (const char c : text) {
    if (c != '\n' || !kept.ends_with("\n\n")) kept += c;
  }
  return kept;
}

data data_of(const Page& page) {
  Json shown = Json::array();
  for (const Json& section : page.sections)
    if (!section["blocks"].empty()) shown.push_back(section);
  data all = to_data({{"title", page.title}, {"subtitle", page.subtitle}, {"sections", shown}});
  return all;
}

std::string render(const char* name, data& values, const std::function<std::string(const std::string&)>& escape) {
  kainjow::mustache::mustache page(file_text(name));
  if (!page.is_valid()) throw std::logic_error(page.error_message());
  if (escape) page.set_custom_escape(escape);
  return page.render(values);
}

}  // namespace

std::string render_html(const Page& page) {
  data values = data_of(page);
  values.set("style", file_text("page.css"));
  values.set("script", file_text("page.js"));
  values.set("json", for_script(page.scripted));
  values.set("table_part", data{kainjow::mustache::partial([] { return file_text("table.html"); })});
  const bool curves = page.scripted.contains("curves") && !page.scripted["curves"].empty();
  values.set("uplot_style", curves ? uplot_style() : "");
  values.set("uplot", curves ? uplot_script() : "");
  return kPageStart + render("report.html", values, {});
}

std::string render_markdown(const Page& page) {
  data values = data_of(page);
  values.set("table_part", data{kainjow::mustache::partial([] { return file_text("table.md"); })});
  return kMarkdownStart + without_empty_lines(render("report.md", values, markdown_text));
}

}  // namespace pleat
