#include "sweep/cells.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/files.h"
#include "base/wording.h"

namespace pleat {
namespace {

constexpr std::size_t kListed = 10;       // errors, or values of a name
constexpr std::size_t kLongestName = 80;  // letters of a folder's name

// Why cells with different values of this key could not be compared; null if they can be.
const char* reason_against(const std::string& section) {
  static const std::map<std::string, const char*> kReasons{
      {"data", "cells on different data cannot be compared"},
      {"targets", "cells with different targets cannot be compared"},
      {"targets_as", "cells with different targets cannot be compared"},
      {"joint", "cells with different targets cannot be compared"},
      {"score", "cells with different scores cannot be compared"},
      {"folds", "cells on different folds cannot be compared"},
      {"seed", "the folds are drawn by it, and cells on different folds cannot be compared"},
      {"ensemble", "it changes no network; compare methods with pleat ensemble --method"},
      {"rounds", "a sweep compares first rounds"},
      {"cluster", "it says where to compute, not what"},
      {"sweep", "it says how to sweep"}};
  const auto found = kReasons.find(section);
  return found == kReasons.end() ? nullptr : found->second;
}

void check_key(const std::string& key) {
  const std::vector<std::string> parts = key_parts(key);
  if (const char* reason = reason_against(parts.front()))
    throw UsageError("the key {} cannot vary in a sweep: {}", key, reason);
  if (key.starts_with("train.labels"))
    throw UsageError("the key {} cannot vary in a sweep: all cells learn the same labels", key);
  const Json known = to_json(RunConfig{});
  if (known.contains(parts.front())) return;
  std::vector<std::string> names;
  for (const auto& [name, value] : known.items()) names.push_back(name);
  std::string near = nearest_name(parts.front(), names);
  std::vector<FieldDoc> fields;
  describe_fields<RunConfig>("", fields);
  for (const FieldDoc& field : fields) {
    if (near.empty() && key_parts(field.key).back() == key) near = field.key;  // lr: train.lr
  }
  throw UsageError("{}: '{}' is no key of the config{}", key, parts.front(),
                   near.empty() ? "; see docs/config.md" : fmt::format("; did you mean '{}'?", near));
}

// The last part of each key; the whole key where two keys end alike.
std::vector<std::string> short_names(const std::vector<std::string>& keys) {
  std::map<std::string, int> uses;
  for (const std::string& key : keys) ++uses[key_parts(key).back()];
  std::vector<std::string> names;
  for (const std::string& key : keys) {
    const std::string last = key_parts(key).back();
    names.push_back(uses[last] > 1 ? key : last);
  }
  return names;
}

// True for a model that has nothing but a name.
bool is_plain_model(const Json& value) {
  if (!value.is_object() || !value.contains("name") || !value["name"].is_string()) return false;
  ModelConfig plain{.name = value["name"].get<std::string>()};
  complete_model(plain);
  return to_json(plain) == value;
}

// A value in a few letters: 0.001, adamw, or of a list of models "resnet18+resnet20". Other values that are no plain
// word get a hash, so that different values differ.
std::string text_of(const Json& value) {
  if (value.is_number_float()) return fmt::format("{}", value.get<double>());
  if (value.is_string()) return value.get<std::string>();
  if (is_plain_model(value)) return value["id"].get<std::string>();
  if (value.is_object()) return value.value("id", std::string("set")) + "-" + sha256(value.dump()).substr(0, 8);
  if (!value.is_array() || value.empty() || value.size() > kListed) return value.dump();
  std::string text;
  for (const Json& item : value) text += (text.empty() ? "" : "+") + text_of(item);
  return text;
}

std::string folder_letters(std::string text) {
  for (char& letter : text) {
    if (std::string_view(kFolderNameLetters).find(letter) == std::string_view::npos && letter != '+') letter = '_';
  }
  return text;
}

std::string name_of(const std::vector<std::string>& labels, const std::vector<std::string>& values) {
  std::string name, exact;
  for (std::size_t k = 0; k < labels.size(); ++k) {
    name += fmt::format("{}{}={}", k > 0 ? "," : "", folder_letters(labels[k]), folder_letters(values[k]));
    exact += fmt::format("{}{}={}", k > 0 ? "," : "", labels[k], values[k]);
  }
  if (name == exact && name.size() <= kLongestName) return name;
  return name.substr(0, kLongestName) + "-" + sha256(exact).substr(0, 8);
}

Cell make_cell(const ConfigNode& tree, const CellTable& table, const CellValues& given,
               const std::vector<std::string>& labels) {
  ConfigNode root = tree;
  for (std::size_t k = 0; k < table.keys.size(); ++k) {
    if (given.values[k]) set_in_config(root, table.keys[k], *given.values[k], given.source);
  }
  Cell cell{.config = config_of(root)};
  cell.config.rounds = {};
  const Json config = to_json(cell.config);
  for (const std::string& key : table.keys) cell.values.push_back(text_of(value_of(config, key)));
  cell.name = name_of(labels, cell.values);
  return cell;
}

void check_different(const std::vector<Cell>& cells, const CellTable& table) {
  std::map<std::string, std::size_t> first;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    // Paths of files are runtime fields, but files may differ.
    const Json identity{identity_of(cells[c].config), to_json(cells[c].config)["models"]};
    const auto [same, is_new] = first.emplace(identity.dump(), c);
    if (is_new) continue;
    throw UsageError("two cells are equal: {} ({}) and {} ({}); leave one of them out", cells[same->second].name,
                     table.cells[same->second].source, cells[c].name, table.cells[c].source);
  }
}

}  // namespace

Json value_of(const Json& config, const std::string& key) {
  const Json* found = &config;
  for (const std::string& part : key_parts(key)) {
    std::size_t index = 0;
    if (found->is_object() && found->contains(part)) {
      found = &(*found)[part];
    } else if (found->is_array() && std::from_chars(part.data(), part.data() + part.size(), index).ec == std::errc{} &&
               index < found->size()) {
      found = &(*found)[index];
    } else {
      return {};
    }
  }
  return *found;
}

std::string list_errors(const std::vector<NamedError>& errors, std::size_t cells) {
  std::vector<std::pair<std::string, std::vector<std::string>>> by_text;
  for (const NamedError& error : errors) {
    const auto same =
        std::find_if(by_text.begin(), by_text.end(), [&](const auto& each) { return each.first == error.what; });
    if (same == by_text.end())
      by_text.push_back({error.what, {error.name}});
    else
      same->second.push_back(error.name);
  }
  if (by_text.size() == 1 && errors.size() == cells) return by_text.front().first;
  std::string text = fmt::format("{} of {} cannot be trained", errors.size(), counted(std::int64_t(cells), "cell"));
  for (std::size_t i = 0; i < std::min(kListed, by_text.size()); ++i) {
    const auto& [what, names] = by_text[i];
    const std::string more = names.size() > 1 ? fmt::format(" (and {} more cells)", names.size() - 1) : "";
    text += what.starts_with("--axis") ? "; " + what + more : fmt::format("; {}: {}{}", names.front(), what, more);
  }
  if (by_text.size() > kListed) text += fmt::format("; and {} more", by_text.size() - kListed);
  return text;
}

Cells make_cells(const ConfigNode& tree, const CellTable& table) {
  for (const std::string& key : table.keys) check_key(key);
  Cells all{.keys = table.keys, .labels = short_names(table.keys)};
  std::vector<NamedError> errors;
  for (const CellValues& given : table.cells) {
    try {
      all.cells.push_back(make_cell(tree, table, given, all.labels));
    } catch (const UsageError& error) {
      errors.push_back({given.source, error.what()});
    }
  }
  if (!errors.empty()) throw UsageError("{}", list_errors(errors, table.cells.size()));
  check_different(all.cells, table);
  return all;
}

RunConfig brief_config(const RunConfig& config) {
  RunConfig brief = config;
  TrainConfig& train = brief.train;
  const auto shortened = [&](std::int64_t epochs) {
    return static_cast<std::int64_t>(std::llround(double(epochs) * config.sweep.short_share));
  };
  train.epochs = std::max<std::int64_t>(1, shortened(config.train.epochs));
  train.freeze_epochs = std::min(shortened(config.train.freeze_epochs), train.epochs - 1);
  if (train.patience > 0) train.patience = std::max<std::int64_t>(1, shortened(config.train.patience));
  return brief;
}

}  // namespace pleat
