#include "weight_formats/saved_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/utf8.h"
#include "weight_formats/little_endian.h"

namespace pleat {
namespace {

constexpr std::string_view kStorages = "data/";

// The archive's entries, by name without its one folder.
std::map<std::string, ZipEntry> entries_of(std::string_view archive, std::string_view file) {
  std::map<std::string, ZipEntry> entries;
  std::optional<std::string> only;
  for (const ZipEntry& entry : read_zip(archive, file)) {
    const std::size_t slash = entry.name.find('/');
    if (slash == std::string::npos) continue;
    const std::string folder = entry.name.substr(0, slash);
    if (folder != only.value_or(folder)) refuse_weights(file, "it has more than one folder");
    only = folder;
    entries[entry.name.substr(slash + 1)] = entry;
  }
  return entries;
}

[[noreturn]] void refuse_order(std::string_view file, std::string_view order) {
  throw DataError("{}: written on a machine of another byte order ('{}'); save it again on a little-endian machine",
                  file, shown(order));
}

std::string_view pickle_of(const std::map<std::string, ZipEntry>& entries, std::string_view file) {
  const bool script = std::any_of(entries.begin(), entries.end(), [](const auto& entry) {
    return entry.first == "constants.pkl" || entry.first.starts_with("code/");
  });
  if (script) {
    throw DataError(
        "{}: a TorchScript network, not a file of weights; give it as script: in place of name: and weights:, or "
        "save its weights in Python: torch.save(torch.jit.load(FILE).state_dict(), 'weights.pth')",
        file);
  }
  const auto stored = [&](const char* name) -> const std::string_view* {
    const auto found = entries.find(name);
    if (found == entries.end()) return nullptr;
    if (found->second.deflated) refuse_weights(file, fmt::format("'{}' in it is compressed", name));
    return &found->second.stored;
  };
  const auto* const pickle = stored("data.pkl");
  if (pickle == nullptr) refuse_weights(file, "it is a zip archive without data.pkl");
  const auto* const order = stored("byteorder");
  if (order != nullptr && *order != "little") refuse_order(file, *order);
  return *pickle;
}

// The pickles that torch.save writes for its magic number, 0x1950a86a20f9469cfc6c, and its version, 1001.
constexpr std::string_view kMagic = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.";
constexpr std::string_view kVersion = "\x80\x02M\xe9\x03.";

/// Reads an old file from its begin to its end.
class OldSave {
 public:
  OldSave(std::string_view bytes, std::string_view file) : left_(bytes), file_(file) {}

  SavedFile read() {
    left_.remove_prefix(kMagic.size());
    if (!left_.starts_with(kVersion)) refuse_weights(file_, "its version is not 1001");
    left_.remove_prefix(kVersion.size());
    check_order(pickle());
    SavedFile saved{.pickled = pickle(), .entries = {}};
    const Pickled keys = pickle();
    if (keys[keys.root].kind != PickleKind::kList) refuse_weights(file_, "it has no list of its storages");
    std::map<std::string_view, std::size_t> item_of;  // bytes per number, of each storage
    for (const PickledStorage& each : saved.pickled.storages) item_of.emplace(each.key, each.item);
    for (const PickleId key : keys[keys.root].items) {
      const std::string name(keys[key].text);
      const ZipEntry entry{.name = name, .stored = storage(item_of, name)};
      if (!saved.entries.emplace(name, entry).second)
        refuse_weights(file_, fmt::format("it has '{}' twice", shown(name)));
    }
    if (!left_.empty()) refuse_weights(file_, fmt::format("{} bytes follow its storages", left_.size()));
    return saved;
  }

 private:
  Pickled pickle() {
    std::size_t size = 0;
    Pickled read = read_pickle_at_begin(left_, file_, size);
    left_.remove_prefix(size);
    return read;
  }

  void check_order(const Pickled& machine) const {
    const PickleValue& facts = machine[machine.root];
    for (std::size_t i = 0; facts.kind == PickleKind::kDict && i < facts.items.size(); i += 2) {
      const PickleValue& little = machine[facts.items[i + 1]];
      if (machine[facts.items[i]].text == "little_endian" && little.kind == PickleKind::kBool && little.number == 0)
        refuse_order(file_, "big");
    }
  }

  // Takes the next storage's count and numbers from the file.
  std::string_view storage(const std::map<std::string_view, std::size_t>& item_of, const std::string& key) {
    const auto known = item_of.find(key);
    if (known == item_of.end()) refuse_weights(file_, fmt::format("its storage '{}' belongs to no tensor", shown(key)));
    constexpr std::size_t kCount = 8;
    if (left_.size() < kCount) refuse_weights(file_, "its storages are cut short");
    const std::uint64_t count = little_endian(left_.substr(0, kCount));
    left_.remove_prefix(kCount);
    if (count > left_.size() / known->second) refuse_weights(file_, "its storages are cut short");
    const std::string_view bytes = left_.substr(0, count * known->second);
    left_.remove_prefix(bytes.size());
    return bytes;
  }

  std::string_view left_, file_;
};

}  // namespace

SavedFile read_saved_archive(std::string_view archive, std::string_view name) {
  const auto entries = entries_of(archive, name);
  SavedFile saved{.pickled = read_pickle(pickle_of(entries, name), name), .entries = {}};
  for (const auto& [entry, contents] : entries) {
    if (entry.starts_with(kStorages)) saved.entries.emplace(entry.substr(kStorages.size()), contents);
  }
  return saved;
}

bool is_old_save(std::string_view file) { return file.starts_with(kMagic); }

SavedFile read_old_save(std::string_view file, std::string_view name) { return OldSave(file, name).read(); }

}  // namespace pleat
