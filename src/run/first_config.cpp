#include "run/first_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/same_text.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "run/run_config.h"
#include "target/target.h"

namespace pleat {
namespace {

using Column = std::vector<std::string>;

constexpr std::size_t kMostClasses = 32, kNamedClasses = 12;
constexpr std::size_t kUsualFolds = 5, kLeastRows = 2;  // rows of a class
constexpr std::size_t kLongestName = 60;
constexpr int kSmallSide = 40;  // pixels; up to these the CIFAR network fits
constexpr std::array<std::string_view, 18> kGroupNames = {
    "group",     "group_id", "person",  "person_id", "patient",   "patient_id", "subject",   "subject_id", "individual",
    "animal_id", "user",     "user_id", "identity",  "lesion_id", "object_id",  "series_id", "scene",      "session"};

// A word of YAML: in quotes unless plain letters say the same.
std::string yaml_word(const std::string& text) {
  static const std::string letters = std::string(kFolderNameLetters) + "/";
  const bool plain = !text.empty() && (std::isalpha(static_cast<unsigned char>(text[0])) || text[0] == '/') &&
                     text.find_first_not_of(letters) == std::string::npos;
  const std::string reading = reading_of(text);
  return plain && reading != "null" ? text : Json(text).dump();
}

// The rows of each split that have a picture.
struct Rows {
  std::vector<std::size_t> train, test;
  std::size_t unlabelled = 0;

  explicit Rows(const CropFile& crops) {
    const Column* split = crops.table().find("split");
    for (std::size_t row = 0; row < crops.rows(); ++row) {
      if (!crops.valid(row)) continue;
      const std::string name = split ? (*split)[row] : "";
      if (name.empty() || name == "train")
        train.push_back(row);
      else if (name == "test")
        test.push_back(row);
      else
        ++unlabelled;
    }
  }
};

std::map<std::string, std::size_t> counts_of(const Column& column, const std::vector<std::size_t>& rows) {
  std::map<std::string, std::size_t> counts;
  for (const std::size_t row : rows) ++counts[column[row]];
  return counts;
}

struct Grouping {
  std::string column;
  std::size_t groups = 0;
};

// Why the column cannot be data.group; nullptr if it can.
const char* group_fault(const Column& column, const Rows& rows, std::size_t groups) {
  std::vector<std::string_view> values;
  for (const std::size_t row : rows.train) {
    if (reading_of(column[row]).empty()) return "some train rows have no value";
    values.emplace_back(column[row]);
  }
  if (groups < 2) return "there is only one group";
  if (!alike_values(values).empty()) return "some groups have two spellings; correct them first";
  return nullptr;
}

bool is_group_name(const std::string& name) {
  std::string plain = name;
  for (char& c : plain) c = c == ' ' || c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(kGroupNames.begin(), kGroupNames.end(), plain) != kGroupNames.end();
}

// A column that can be a target, or the reason why not.
struct Candidate {
  std::string column, fault;
  std::map<std::string, std::size_t> classes;  // of train rows; of numbers: empty
  std::vector<std::string> only_in_test;
  std::vector<double> edges;
  double least = 0, most = 0;
  std::size_t smallest = 0;  // rows of the smallest class
};

// Edges that cut the sorted numbers into three classes of similar size, or two, or none.
std::vector<double> edges_of(const std::vector<double>& sorted, std::size_t& smallest) {
  for (const std::size_t classes : {3U, 2U}) {
    std::vector<double> edges;
    for (std::size_t c = 1; c < classes; ++c) edges.push_back(sorted[c * sorted.size() / classes]);
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    std::size_t begin = 0;
    smallest = sorted.size();
    for (std::size_t e = 0; e <= edges.size(); ++e) {
      const auto end = e == edges.size() ? sorted.end() : std::lower_bound(sorted.begin(), sorted.end(), edges[e]);
      smallest = std::min(smallest, static_cast<std::size_t>(end - sorted.begin()) - begin);
      begin = static_cast<std::size_t>(end - sorted.begin());
    }
    if (smallest >= kLeastRows) return edges;
  }
  return {};
}

std::optional<std::vector<double>> numbers_in(const Column& column, const Rows& rows) {
  std::vector<double> numbers;
  for (const std::size_t row : rows.train) {
    const auto number = number_of(column[row]);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  for (const std::size_t row : rows.test) {
    if (!column[row].empty() && !number_of(column[row])) return std::nullopt;
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

void examine_numbers(const std::vector<double>& numbers, Candidate& candidate) {
  candidate.least = numbers.front(), candidate.most = numbers.back();
  candidate.edges = edges_of(numbers, candidate.smallest);
  if (candidate.edges.empty()) candidate.fault = "its numbers cannot be cut into classes";
}

void examine_classes(const Column& column, const Rows& rows, Candidate& candidate) {
  candidate.smallest = rows.train.size();
  std::string rarest;
  for (const auto& [name, count] : candidate.classes) {
    if (count < candidate.smallest) candidate.smallest = count, rarest = name;
  }
  if (candidate.classes.size() < 2) candidate.fault = "all train rows have one value";
  if (candidate.fault.empty() && candidate.smallest < kLeastRows)
    candidate.fault = fmt::format("the class '{}' has only one train row", shown(rarest));
  for (const auto& [name, count] : counts_of(column, rows.test)) {
    if (!name.empty() && !candidate.classes.contains(name)) candidate.only_in_test.push_back(name);
  }
}

Candidate examine(const std::string& name, const Column& column, const Rows& rows) {
  Candidate candidate{.column = name, .classes = counts_of(column, rows.train)};
  const std::size_t values = candidate.classes.size();
  if (const auto empty = candidate.classes.find(""); empty != candidate.classes.end()) {
    candidate.fault = fmt::format("{} without a value (give labels, or the split unlabelled)",
                                  counted(std::int64_t(empty->second), "train row"));
  } else if (values <= kMostClasses) {
    examine_classes(column, rows, candidate);
  } else if (const auto numbers = numbers_in(column, rows)) {
    candidate.classes.clear();
    examine_numbers(*numbers, candidate);
  } else {
    candidate.fault =
        fmt::format("{} different values, such as '{}'", grouped(values), shown(candidate.classes.begin()->first, 40));
  }
  return candidate;
}

std::string note_on(const Candidate& candidate) {
  if (!candidate.edges.empty())
    return fmt::format("numbers from {} to {}, cut into {} classes; bins: 11 or regress: true trains on the numbers",
                       candidate.least, candidate.most, candidate.edges.size() + 1);
  std::vector<std::string> names;
  for (const auto& [name, count] : candidate.classes) {
    if (names.size() < kNamedClasses) names.push_back(fmt::format("{} {}", shown(name, 40), grouped(count)));
  }
  return fmt::format("{} classes; train rows: {}{}", candidate.classes.size(), fmt::join(names, ", "),
                     candidate.classes.size() > kNamedClasses ? ", …" : "");
}

// "{name: mask}"; a column whose name cannot be a folder's gets another name.
std::string target_yaml(const Candidate& candidate, std::size_t number) {
  // Without dots, which the run folder's own files have.
  const bool is_folder = candidate.column.size() <= kLongestName &&
                         candidate.column.find_first_not_of(kFolderNameLetters) == std::string::npos &&
                         candidate.column.find('.') == std::string::npos;
  std::string text = is_folder ? fmt::format("{{name: {}", yaml_word(candidate.column))
                               : fmt::format("{{name: target_{}, column: {}", number, yaml_word(candidate.column));
  if (!candidate.edges.empty()) text += fmt::format(", edges: [{}]", fmt::join(candidate.edges, ", "));
  if (!candidate.only_in_test.empty()) {
    std::vector<std::string> classes;
    for (const auto& [name, count] : candidate.classes) classes.push_back(yaml_word(name));
    for (const std::string& name : candidate.only_in_test) classes.push_back(yaml_word(name));
    text += fmt::format(", classes: [{}]", fmt::join(classes, ", "));
  }
  return text + "}";
}

// The columns of the table by their use.
struct Columns {
  std::vector<Candidate> targets;  // the first is the one to train
  std::optional<Grouping> group;
  std::vector<std::string> notes;  // on columns that are neither
};

Columns sort_columns(const SampleTable& table, const Rows& rows) {
  Columns columns;
  for (std::size_t i = 0; i < table.names.size(); ++i) {
    const std::string& name = table.names[i];
    if (name == "id" || name == "path" || name == "split") continue;
    if (is_group_name(name)) {
      const std::size_t groups = counts_of(table.values[i], rows.train).size();
      const char* fault = group_fault(table.values[i], rows, groups);
      if (fault == nullptr && !columns.group) {
        columns.group = {name, groups};
        continue;
      }
      columns.notes.push_back(
          fmt::format("column {} is not the group: {}", shown(name), fault ? fault : columns.group->column + " is"));
      continue;
    }
    Candidate candidate = examine(name, table.values[i], rows);
    if (candidate.fault.empty())
      columns.targets.push_back(std::move(candidate));
    else
      columns.notes.push_back(fmt::format("column {} is no target: {}", shown(name), candidate.fault));
  }
  // Names that say it, then classes, then numbers.
  const auto rank = [](const Candidate& each) {
    const bool named = each.column == "label" || each.column == "class" || each.column == "target";
    return named ? 0 : each.edges.empty() ? 1 : 2;
  };
  std::stable_sort(columns.targets.begin(), columns.targets.end(),
                   [&](const Candidate& a, const Candidate& b) { return rank(a) < rank(b); });
  return columns;
}

std::string model_yaml(const ImageShape& shape) {
  const int side = std::min(shape.height, shape.width);
  if (side <= kSmallSide) return "models: [{name: resnet20}]  # for small images; resnet18 for larger ones\n";
  return fmt::format(
      "models: [{{name: resnet18{}}}]  # or resnet34, resnet50, efficientnet_b0 …; several make an "
      "ensemble\n",
      side < 64 ? ", stem: small" : "");
}

std::string train_yaml(const ImageShape& shape) {
  const int pad = std::min(4, std::min(shape.height, shape.width) / 8);
  return fmt::format(
      "train:\n"
      "  epochs: 8  # more for a better score; --find-lr suggests a rate\n"
      "  batch: 64\n"
      "  augment: {{flip: true, pad: {}}}  # flip: false if left and right differ, as in text or digits\n",
      pad);
}

}  // namespace

std::string first_config(const CropFile& crops, const std::string& path) {
  const Rows rows(crops);
  if (rows.train.empty())
    throw DataError("{} has no train rows with a picture; check the column split", crops.path().string());
  const Columns columns = sort_columns(crops.table(), rows);
  if (columns.targets.empty()) {
    throw DataError("{}: no column can be a target; give each train row a label{}", crops.path().string(),
                    columns.notes.empty() ? std::string(": there is no column besides id, path, split and the group")
                                          : fmt::format("\n  {}", fmt::join(columns.notes, "\n  ")));
  }
  const auto& [height, width, channels] = crops.shape();
  std::string text = fmt::format(
      "# Made by pleat init from {}. All keys: pleat config --reference.\n"
      "data:\n"
      "  crops: {}  # {} train, {} test, {} unlabelled rows of {}x{} pixels, {}\n",
      shown(path), yaml_word(path), grouped(rows.train.size()), grouped(rows.test.size()), grouped(rows.unlabelled),
      height, width, channels == 1 ? "gray" : "RGB");
  if (columns.group) {
    text += fmt::format("  group: {}  # {} groups; the rows of one stay on one side of every fold\n",
                        yaml_word(columns.group->column), grouped(columns.group->groups));
  } else {
    text += "  # group: COLUMN  # if several photos show one person or object, name the column that says which\n";
  }
  text += "targets:\n";
  for (std::size_t i = 0; i < columns.targets.size(); ++i) {
    text += fmt::format("  {}- {}  # {}\n", i == 0 ? "" : "# ", target_yaml(columns.targets[i], i + 1),
                        note_on(columns.targets[i]));
  }
  for (const std::string& note : columns.notes) text += fmt::format("  # {}\n", note);
  const std::size_t folds = std::min(
      {kUsualFolds, columns.targets.front().smallest, columns.group ? columns.group->groups : rows.train.size()});
  text += "score: macro_f1  # or accuracy, log_loss\n";
  text += fmt::format("folds: {{k: {}}}\n", folds);
  text += model_yaml(crops.shape()) + train_yaml(crops.shape());
  text += "cluster: {threads: 1}  # the same results on any number of ranks\n";
  return text;
}

}  // namespace pleat
