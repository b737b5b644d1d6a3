#include "run/copies_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/utf8.h"
#include "base/wording.h"
#include "run/copies.h"

namespace pleat {
namespace {

constexpr std::size_t kNamedIds = 4;

// Sets of copies of one warning. A set with a near copy counts as near.
struct Separable {
  std::size_t exact = 0, near = 0;
  std::string ids;  // of the first set
};

// Per crop row: 't' for train, 'h' for held-out test, 0 for neither.
std::vector<char> uses_of_rows(const Dataset& dataset) {
  std::vector<char> uses(dataset.crops.rows(), 0);
  for (const std::int64_t row : dataset.train) uses[std::size_t(row)] = 't';
  for (const std::int64_t row : dataset.test) uses[std::size_t(row)] = 'h';
  return uses;
}

std::string ids_text(const Dataset& dataset, const Copies& copies) {
  std::string ids;
  for (std::size_t i = 0; i < std::min(kNamedIds, copies.size()); ++i)
    ids += fmt::format("{}'{}'", i == 0 ? "" : ", ", shown(dataset.id(std::int64_t(copies[i]))));
  return ids + (copies.size() > kNamedIds ? ", …" : "");
}

// "3 sets of equal images and 8 sets of nearly equal images (the first: 'a', 'b')".
std::string sets_text(const Separable& found) {
  const auto text = [](std::size_t count, const char* kind) {
    return count == 0 ? "" : fmt::format("{} of {} images", counted(std::int64_t(count), "set"), kind);
  };
  return fmt::format("{}{}{} (the first: {})", text(found.exact, "equal"), found.exact && found.near ? " and " : "",
                     text(found.near, "nearly equal"), found.ids);
}

}  // namespace

std::vector<std::string> separable_copies(const RunConfig& config, const Dataset& dataset, int threads) {
  const CropFile& crops = dataset.crops;
  const std::vector<char> uses = uses_of_rows(dataset);
  std::vector<std::size_t> rows = valid_rows(crops);
  std::erase_if(rows, [&](std::size_t row) { return uses[row] == 0; });
  const Duplicates duplicates = search_copies(crops, rows, threads);
  const std::vector<Copies> near = near_sets(duplicates);
  Separable folds, splits;
  for (const Copies& used : all_sets(duplicates)) {
    const bool is_near = std::binary_search(near.begin(), near.end(), used);
    const auto add = [&](Separable& found, const Copies& copies) {
      if (found.ids.empty()) found.ids = ids_text(dataset, copies);
      ++(is_near ? found.near : found.exact);
    };
    Copies trained = used;
    std::erase_if(trained, [&](std::size_t row) { return uses[row] != 't'; });
    if (!trained.empty() && trained.size() < used.size()) add(splits, used);
    const bool apart = std::any_of(trained.begin(), trained.end(), [&](std::size_t row) {
      return dataset.group(std::int64_t(row)) != dataset.group(std::int64_t(trained.front()));
    });
    if (apart) add(folds, trained);
  }
  std::vector<std::string> lines;
  if (!folds.ids.empty()) {
    lines.push_back(
        fmt::format("{}: train rows contain {} {}: folds may separate them, so OOF scores may be too good; {}",
                    crops.path().string(), sets_text(folds),
                    !config.data.group.empty()
                        ? fmt::format("with different groups in column {} (data.group)", shown(config.data.group))
                        : "and data.group is not set",
                    !config.data.group.empty() ? "give all rows of a set one group, or set data.duplicates: together"
                                               : "set data.duplicates: together, or add a column with one value for "
                                                 "all rows of a set and name it in data.group"));
  }
  if (!splits.ids.empty()) {
    lines.push_back(fmt::format(
        "{}: train and test rows share {}: the test scores may include images that were trained on; remove the copies "
        "from one split, or set data.duplicates: drop",
        crops.path().string(), sets_text(splits)));
  }
  return lines;
}

}  // namespace pleat
