#include "report/page_blocks.h"

#include <algorithm>
#include <cctype>

namespace pleat {
namespace {

// "0.67", "-3 %", "1,400", "0.68 ± 0.01", "–": figures without words. They align to the right.
bool is_number(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return std::isalpha(c) != 0; });
}

// A column of figures has its title on the right too.
bool is_number_column(const PageTable& table, std::size_t column) {
  return std::all_of(table.rows.begin(), table.rows.end(),
                     [column](const auto& row) { return column >= row.size() || is_number(row[column].text); });
}

Json cell_of(const TableCell& cell) {
  constexpr std::size_t kLong = 40;  // bytes
  std::string classes = is_number(cell.text) ? "num" : cell.text.size() > kLong ? "long" : "";
  if (!cell.tone.empty()) classes += (classes.empty() ? "" : " ") + cell.tone;
  return {{"text", cell.text}, {"classes", classes}};
}

}  // namespace

Json page_section(const std::string& id, const std::string& title) {
  return {{"id", id}, {"title", title}, {"blocks", Json::array()}};
}

void add_block(Json& section, Json block) { section["blocks"].push_back(std::move(block)); }

Json heading(const std::string& text) { return {{"heading", {{"text", text}}}}; }
Json paragraph(const std::string& text) { return {{"paragraph", {{"text", text}}}}; }
Json hint(const std::string& text) { return {{"hint", {{"text", text}}}}; }
Json warning(const std::string& text) { return {{"warning", {{"text", text}}}}; }

Json table_block(const PageTable& table) {
  Json head = Json::array(), rows = Json::array();
  for (std::size_t i = 0; i < table.head.size(); ++i)
    head.push_back({{"text", table.head[i]}, {"classes", i > 0 && is_number_column(table, i) ? "num" : ""}});
  for (const auto& row : table.rows) {
    Json cells = Json::array();
    for (std::size_t i = 1; i < row.size(); ++i) cells.push_back(cell_of(row[i]));
    rows.push_back({{"first", row.empty() ? "" : row.front().text}, {"cells", cells}});
  }
  Json json{{"caption", table.caption}, {"has_caption", !table.caption.empty()}, {"head", head}, {"rows", rows}};
  return {{table.folded.empty() ? "table" : "folded_table", json}, {"fold_text", table.folded}};
}

Json figure(const std::string& svg, const std::string& caption, const std::string& in_words) {
  return {{"figure", {{"svg", svg}, {"caption", caption}, {"in_words", in_words}}}};
}

}  // namespace pleat
