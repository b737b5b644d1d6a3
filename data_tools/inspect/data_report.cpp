#include "data_tools/inspect/data_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/same_text.h"
#include "base/utf8.h"
#include "base/wording.h"

namespace pleat {
namespace {

const std::string kTrain = "train";
constexpr std::size_t kExamples = 10;  // sets that the report lists, and ids of a set
constexpr std::size_t kNamedIds = 4;   // in a warning

// The ids of the first copies.
Json ids_of(const Copies& copies, const SampleTable& table) {
  Json ids = Json::array();
  for (std::size_t i = 0; i < std::min(kExamples, copies.size()); ++i) ids.push_back(table.column("id")[copies[i]]);
  return ids;
}

// The number of sets for which `counts` holds, and the ids of the first ones.
Json counted_sets(const std::vector<Copies>& sets, const SampleTable& table,
                  const std::function<bool(const Copies&)>& counts) {
  Json found = {{"sets", 0}, {"examples", Json::array()}};
  std::size_t count = 0;
  for (const Copies& copies : sets) {
    if (counts(copies) && ++count <= kExamples) found["examples"].push_back(ids_of(copies, table));
  }
  found["sets"] = count;
  return found;
}

Json differing(const std::vector<Copies>& sets, const SampleTable& table, const std::vector<std::string>* column) {
  return counted_sets(sets, table, [&](const Copies& copies) { return copies_differ(copies, column); });
}

// Folds may separate such copies. With a group column, across_groups is about them.
Json within_train(const std::vector<Copies>& sets, const SampleTable& table) {
  const auto* splits = table.find("split");
  return counted_sets(sets, table, [&](const Copies& copies) {
    return group_column(table) == nullptr && std::ranges::count_if(copies, [&](std::size_t row) {
                                               return splits == nullptr || (*splits)[row] == kTrain;
                                             }) > 1;
  });
}

Json describe_copies(const std::vector<Copies>& sets, const SampleTable& table) {
  std::size_t rows = 0;
  Json examples = Json::array(), labels = Json::object();
  for (const Copies& copies : sets) {
    rows += copies.size();
    if (examples.size() < kExamples) examples.push_back(ids_of(copies, table));
  }
  for (const std::string& name : class_columns(table)) labels[name] = differing(sets, table, table.find(name));
  return {{"sets", sets.size()},
          {"rows", rows},
          {"examples", examples},
          {"across_splits", differing(sets, table, table.find("split"))},
          {"across_groups", differing(sets, table, group_column(table))},
          {"within_train", within_train(sets, table)},
          {"different_labels", labels}};
}

// Values of the class columns that read alike.
Json describe_alike(const SampleTable& table, const std::vector<std::string>& columns) {
  Json described = Json::object();
  for (const std::string& name : columns) {
    const std::vector<std::string>& column = table.column(name);
    auto alike = alike_values({column.begin(), column.end()});
    if (alike.empty()) continue;
    const std::size_t sets = alike.size();
    alike.resize(std::min(kExamples, sets));
    described[name] = {{"sets", sets}, {"examples", alike}};
  }
  return described;
}

Json describe_split(const CropFile& crops, const std::string& split, const std::vector<std::string>& columns) {
  const SampleTable& table = crops.table();
  const auto* splits = table.find("split");  // without this column, all rows are for training
  std::map<std::string, std::map<std::string, std::size_t>> classes;
  std::set<std::string_view> groups;
  std::size_t rows = 0, without_picture = 0;
  for (std::size_t row = 0; row < crops.rows(); ++row) {
    if ((splits == nullptr ? kTrain : (*splits)[row]) != split) continue;
    ++rows;
    without_picture += !crops.valid(row);
    if (const auto* group = group_column(table)) groups.insert((*group)[row]);
    for (const std::string& name : columns) ++classes[name][table.column(name)[row]];
  }
  Json described = {{"rows", rows}, {"without_picture", without_picture}};
  if (group_column(table) != nullptr) described["groups"] = groups.size();
  described["classes"] = Json::object();
  for (const std::string& name : columns) described["classes"][name] = classes[name];
  return described;
}

}  // namespace

bool copies_differ(const Copies& copies, const std::vector<std::string>* column) {
  const std::string* first = nullptr;
  return column != nullptr && std::ranges::any_of(copies, [&](std::size_t row) {
           const std::string& value = (*column)[row];
           if (first == nullptr && !value.empty()) first = &value;
           return !value.empty() && value != *first;
         });
}

const std::vector<std::string>* group_column(const SampleTable& table) {
  const std::string name = group_column_name(table);
  return name.empty() ? nullptr : table.find(name);
}

std::string group_column_name(const SampleTable& table) {
  for (const char* name : {"group", "person"}) {
    if (table.find(name) != nullptr) return name;
  }
  return "";
}

void check_alike_groups(const SampleTable& table, const std::string& source) {
  const auto* groups = group_column(table);
  if (groups == nullptr) return;
  const auto* splits = table.find("split");
  std::vector<std::string_view> trained;
  for (std::size_t row = 0; row < groups->size(); ++row) {
    if (splits == nullptr || (*splits)[row].empty() || (*splits)[row] == kTrain) trained.push_back((*groups)[row]);
  }
  const auto alike = alike_values(trained);
  if (alike.empty()) return;
  throw DataError(
      "{}: {} in column {} {} with another spelling, such as {}: photos of one group could be on both sides of a fold; "
      "give each group one spelling, or pass --same-text strict if they are different groups",
      source, counted(std::int64_t(alike.size()), "group"), group_column_name(table),
      alike.size() == 1 ? "occurs" : "occur", quoted_pair(alike.front()));
}

std::vector<std::string> class_columns(const SampleTable& table) {
  std::vector<std::string> columns;
  for (std::size_t i = 0; i < table.names.size(); ++i) {
    const std::string& name = table.names[i];
    if (name == "id" || name == "path" || name == "split" || &table.values[i] == group_column(table)) continue;
    std::set<std::string_view> values;
    for (const std::string& value : table.values[i]) {
      if (values.insert(value).second && values.size() > kFewValues) break;
    }
    if (values.size() <= kFewValues) columns.push_back(name);
  }
  return columns;
}

Json data_report(const CropFile& crops, const Duplicates& duplicates) {
  const SampleTable& table = crops.table();
  const std::vector<std::string> columns = class_columns(table);
  Json splits = Json::object();
  for (const std::string split : {kTrain.c_str(), "unlabelled", "test"}) {
    Json described = describe_split(crops, split, columns);
    if (described.at("rows") > 0) splits[split] = std::move(described);
  }
  const ImageShape& shape = crops.shape();
  return {{"schema", 1},
          {"rows", crops.rows()},
          {"shape", {shape.height, shape.width, shape.channels}},
          {"made_with", crops.provenance()},
          {"splits", splits},
          {"exact_duplicates", describe_copies(duplicates.exact, table)},
          {"near_duplicates", describe_copies(near_sets(duplicates), table)},
          {"alike_values", describe_alike(table, columns)}};
}

std::vector<std::string> report_warnings(const Json& report, const std::string& list) {
  std::vector<std::string> lines;
  const auto warn = [&](const Json& found, const char* kind, const std::string& how, const char* what_to_do) {
    const auto count = found.at("sets").get<std::int64_t>();
    if (count == 0) return;
    const Json& first = found.at("examples").front();
    std::string ids;
    for (std::size_t i = 0; i < std::min(kNamedIds, first.size()); ++i)
      ids += fmt::format("{}'{}'", i == 0 ? "" : ", ", shown(first[i].get<std::string>()));
    lines.push_back(fmt::format("{} {} {} (ids {}{}): {}{}", counted(count, "set"), kind, how, ids,
                                count > 1 || first.size() > kNamedIds ? ", …" : "", what_to_do,
                                list.empty() ? "" : fmt::format("; {} has all sets", list)));
  };
  for (const auto& [key, kind] :
       {std::pair{"exact_duplicates", "of equal images"}, {"near_duplicates", "of nearly equal images"}}) {
    const Json& copies = report.at(key);
    warn(copies.at("across_splits"), kind, "in two splits",
         "the test score counts images that were trained on; take one of them out");
    warn(copies.at("across_groups"), kind, "in two groups",
         "folds may have one on each side, and scores look better than they are; give them one group");
    warn(copies.at("within_train"), kind, "within the train rows",
         "folds may have one on each side, and scores look better than they are; add a column group with one value for "
         "all rows of a set, or take all but one out");
    for (const auto& [name, found] : copies.at("different_labels").items())
      warn(found, kind, fmt::format("with different values of {}", shown(name)),
           "a label is probably wrong; look at the images and correct it");
  }
  for (const auto& [name, found] : report.at("alike_values").items()) {
    const auto more = found.at("sets").get<std::int64_t>() - 1;
    lines.push_back(
        fmt::format("column {}: the values {} read alike but are different values{}; if they are one, give it "
                    "one spelling and prepare again",
                    shown(name), quoted_pair(found.at("examples").front().get<std::vector<std::string>>()),
                    more > 0 ? fmt::format(" (and {} more)", counted(more, "set")) : ""));
  }
  return lines;
}

}  // namespace pleat
