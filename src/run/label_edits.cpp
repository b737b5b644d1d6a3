#include "run/label_edits.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "data/sample_table.h"

namespace pleat {
namespace {

using Column = std::vector<std::string>;

// The columns of a label file.
struct LabelFile {
  SampleTable table;
  const Column* ids;
  const Column* targets;  // null: the run has one target
  const Column* marks;    // null: every line counts
  const Column* kinds;    // null: every line is a wrong label
  const Column* labels;   // of relabel
};

LabelFile open_labels(const std::string& path, bool relabel, const Dataset& dataset) {
  LabelFile file{.table = read_plain_csv(path, {"id"})};
  file.ids = &file.table.column("id");
  file.targets = file.table.find("target");
  file.marks = file.table.find("mark");
  file.kinds = file.marks != nullptr ? nullptr : file.table.find("kind");
  file.labels = file.table.find("label");
  if (file.labels == nullptr) file.labels = file.table.find("suggested");
  if (relabel && file.labels == nullptr)
    throw DataError("{} has neither a column label nor a column suggested, which train.labels.relabel reads; add one",
                    shown(path));
  if (file.targets == nullptr && dataset.targets.own() > 1)
    throw DataError("{} has no column target, but the run has {} targets; add the column", shown(path),
                    dataset.targets.own());
  return file;
}

class Reader {
 public:
  explicit Reader(const Dataset& dataset) : dataset_(dataset), trains_(dataset.crops.rows()) {
    const Column& ids = dataset.crops.table().column("id");
    for (std::size_t row = 0; row < ids.size(); ++row) rows_.emplace(ids[row], static_cast<std::int64_t>(row));
    for (const std::int64_t row : dataset.all_train) trains_[std::size_t(row)] = true;
  }

  void read(const std::string& path, bool relabel) {
    const LabelFile file = open_labels(path, relabel, dataset_);
    const std::string wanted = relabel ? "fix" : "drop";
    std::size_t others = 0, used = 0;
    for (std::size_t line = 0; line < file.table.rows(); ++line) {
      if (file.marks != nullptr && (*file.marks)[line] != wanted) continue;
      if (file.kinds != nullptr && (*file.kinds)[line] != "row" && (*file.kinds)[line] != "group") continue;
      ++used;
      const std::int64_t row = row_of(file, line);
      if (!trains_[std::size_t(row)]) {
        ++others;
        continue;
      }
      add(file, line, edit_of(file, line, row, relabel));
    }
    if (others > 0)
      spdlog::warn("{}: {} skipped: not about train rows", shown(path), counted(std::int64_t(others), "line"));
    if (used == 0)
      spdlog::warn("{} has no label to {}{}", shown(path), relabel ? "change" : "drop",
                   file.marks == nullptr ? "" : fmt::format(" (no line with the mark {})", wanted));
  }

  std::vector<LabelEdit> edits() const {
    std::vector<LabelEdit> all;
    for (const auto& [place, edit] : edits_) all.push_back(edit);
    return all;
  }

 private:
  std::int64_t row_of(const LabelFile& file, std::size_t line) const {
    const auto found = rows_.find((*file.ids)[line]);
    if (found != rows_.end()) return found->second;
    throw DataError("{}: the id '{}' is not in {}; use a file made from this data", file.table.place(line),
                    shown((*file.ids)[line]), shown(dataset_.crops.path().string()));
  }

  int target_of(const LabelFile& file, std::size_t line) const {
    if (file.targets == nullptr) return 0;
    Column names;
    for (std::size_t t = 0; t < dataset_.targets.own(); ++t) {
      if (dataset_.targets.targets[t].name == (*file.targets)[line]) return static_cast<int>(t);
      names.push_back(dataset_.targets.targets[t].name);
    }
    throw DataError("{}: the target '{}' is not one of {}; correct the line", file.table.place(line),
                    shown((*file.targets)[line]), fmt::join(names, ", "));
  }

  LabelEdit edit_of(const LabelFile& file, std::size_t line, std::int64_t row, bool relabel) const {
    LabelEdit edit{.target = target_of(file, line), .row = row};
    if (!relabel) return edit;
    const Target& target = dataset_.targets.targets[std::size_t(edit.target)];
    const std::string& label = (*file.labels)[line];
    edit.label = target.taught(label);
    if (target.numeric() && edit.label >= 0) edit.number = number_of(label).value();
    if (target.numeric() && edit.label < 0 && target.teaching() == Teaching::kClasses) {
      // A class's name, as pleat audit suggests it.
      const auto found = std::find(target.classes.begin(), target.classes.end(), label);
      if (found != target.classes.end()) edit.label = found - target.classes.begin();
      edit.number = std::nan("");
    }
    if (edit.label < 0) {
      throw DataError(
          "{}: the label '{}' of target {} is {}; correct the line", file.table.place(line), shown(label), target.name,
          target.numeric() ? std::string("not a number, which this target is trained on")
                           : fmt::format("not one of {}", shown(fmt::format("{}", fmt::join(target.classes, ", ")))));
    }
    return edit;
  }

  // A row may be listed twice (alone and with its group), but with one outcome.
  void add(const LabelFile& file, std::size_t line, const LabelEdit& edit) {
    const auto [found, is_new] = edits_.emplace(std::pair(edit.target, edit.row), edit);
    const bool same_number = found->second.number == edit.number || std::isnan(edit.number);  // NaN: the class alone
    if (is_new || (found->second.label == edit.label && same_number)) return;
    throw DataError("{}: the id '{}' of target {} has {} before; keep one of the lines", file.table.place(line),
                    shown((*file.ids)[line]), dataset_.targets.targets[std::size_t(edit.target)].name,
                    found->second.label < 0 ? "been dropped" : "another label");
  }

  const Dataset& dataset_;
  std::vector<bool> trains_;
  std::unordered_map<std::string_view, std::int64_t> rows_;
  std::map<std::pair<int, std::int64_t>, LabelEdit> edits_;
};

// The joint class of a row, of its targets' labels as they are learned; dropped if one of them is.
void combine_row(const Dataset& dataset, std::int64_t row, std::vector<Labels>& labels) {
  if (!dataset.targets.joint) return;
  const auto place = static_cast<std::size_t>(row);
  const JointTarget& joint = *dataset.targets.joint;
  std::vector<std::int64_t> codes, taught;
  bool dropped = false;
  for (const int component : joint.of) {
    const Labels& own = labels[std::size_t(component)];
    codes.push_back(own.classes[place]);
    taught.push_back(own.taught[place]);
    dropped = dropped || own.drops(row);
  }
  labels.back().classes[place] = joint_class(joint, codes);
  labels.back().taught[place] = joint_class(joint, taught);
  if (dropped) labels.back().dropped[place] = true;
}

}  // namespace

std::vector<LabelEdit> read_label_edits(const LabelsConfig& config, const Dataset& dataset) {
  if (!config.any_file()) return {};
  if (config.drop == config.relabel && read_plain_csv(config.drop, {"id"}).find("mark") == nullptr) {
    throw UsageError(
        "train.labels.drop and relabel are both {}, which has no column mark to tell its lines apart; leave one out",
        shown(config.drop));
  }
  Reader reader(dataset);
  if (!config.drop.empty() && config.drop != kAutoLabels) reader.read(config.drop, false);
  if (!config.relabel.empty() && config.relabel != kAutoLabels) reader.read(config.relabel, true);
  return reader.edits();
}

void apply_edits(const std::vector<LabelEdit>& edits, const Dataset& dataset, std::vector<Labels>& labels) {
  if (edits.empty()) return;
  for (Labels& each : labels) each.dropped.resize(dataset.crops.rows());
  for (const LabelEdit& edit : edits) {
    Labels& own = labels[std::size_t(edit.target)];
    const auto place = static_cast<std::size_t>(edit.row);
    if (edit.label < 0) {
      own.dropped[place] = true;
    } else {
      own.taught[place] = edit.label;
      const Target& target = dataset.targets.targets[std::size_t(edit.target)];
      const bool number = target.numeric() && !std::isnan(edit.number);
      own.classes[place] = number ? class_by(target.edges, edit.number) : edit.label;
      if (number) own.numbers[place] = edit.number;
    }
    if (std::size_t(edit.target) < dataset.targets.own()) combine_row(dataset, edit.row, labels);
  }
}

std::string hash_of_labels(const LabelsConfig& config) {
  if (config.drop.empty() && config.relabel.empty()) return "";
  std::string text;
  for (const std::string& each : {config.drop, config.relabel})
    text += each.empty() || each == kAutoLabels ? each + "\n" : sha256(read_file(each)) + "\n";
  return sha256(text);
}

std::string edits_text(const std::vector<LabelEdit>& edits, const Dataset& dataset) {
  if (edits.empty()) return "";
  std::map<int, std::size_t> dropped, changed;
  for (const LabelEdit& edit : edits) ++(edit.label < 0 ? dropped : changed)[edit.target];
  const auto list = [&](const std::map<int, std::size_t>& counts, const char* what) {
    std::size_t sum = 0;
    std::vector<std::string> names;
    for (const auto& [target, count] : counts) {
      sum += count;
      names.push_back(fmt::format("{} {}", dataset.targets.targets[std::size_t(target)].name, grouped(count)));
    }
    return sum == 0 ? std::string()
                    : fmt::format("{} {} ({})", counted(std::int64_t(sum), "label"), what, fmt::join(names, ", "));
  };
  const std::string one = list(dropped, "dropped"), other = list(changed, "changed");
  return fmt::format("train.labels: {}{}{}", one, one.empty() || other.empty() ? "" : ", ", other);
}

}  // namespace pleat
