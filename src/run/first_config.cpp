#include "run/first_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/same_text.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "run/column_uses.h"
#include "run/run_config.h"

namespace pleat {
namespace {

constexpr std::size_t kNamedClasses = 12, kUsualFolds = 5, kLongestName = 60;
constexpr int kSmallSide = 40;  // pixels; up to these the CIFAR network fits

// A word of YAML: in quotes unless plain letters say the same.
std::string yaml_word(const std::string& text) {
  static const std::string letters = std::string(kFolderNameLetters) + "/";
  const bool plain = !text.empty() && (std::isalpha(static_cast<unsigned char>(text[0])) || text[0] == '/') &&
                     text.find_first_not_of(letters) == std::string::npos;
  const std::string reading = reading_of(text);
  return plain && reading != "null" ? text : Json(text).dump();
}

std::string note_on(const TargetColumn& candidate) {
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
std::string target_yaml(const TargetColumn& candidate, std::size_t number) {
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
  const SplitRows rows(crops);
  if (rows.train.empty())
    throw DataError("{} has no train rows with a picture; check the column split", crops.path().string());
  const ColumnUses columns = sort_columns(crops.table(), rows);
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
