#include "run/copies.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/stop_signal.h"
#include "base/wording.h"

namespace pleat {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;  // of crops, all of which a search for near copies reads

void check_stop(std::size_t) {
  if (stop_signal_received()) throw StopRequested("stopped on request before training; run the same command again");
}

// Split of each crop row: 't'rain, 'u'nlabelled, 'h'eld-out test, 0 for none.
std::vector<char> splits_of(const Dataset& dataset) {
  std::vector<char> splits(dataset.crops.rows(), 0);
  for (const std::int64_t row : dataset.train) splits[std::size_t(row)] = 't';
  for (const std::int64_t row : dataset.unlabelled) splits[std::size_t(row)] = 'u';
  for (const std::int64_t row : dataset.test) splits[std::size_t(row)] = 'h';
  return splits;
}

std::vector<std::int64_t> rows_in(const std::vector<std::int64_t>& copies, const std::vector<char>& splits,
                                  char split) {
  std::vector<std::int64_t> rows;
  for (const std::int64_t row : copies)
    if (splits[std::size_t(row)] == split) rows.push_back(row);
  return rows;
}

bool labels_differ(const Dataset& dataset, const std::vector<std::int64_t>& rows) {
  return std::any_of(dataset.labels.begin(), dataset.labels.end(), [&](const Labels& labels) {
    return std::any_of(rows.begin(), rows.end(), [&](std::int64_t row) {
      return labels.classes[std::size_t(row)] != labels.classes[std::size_t(rows.front())];
    });
  });
}

void remove_rows(std::vector<bool>& gone, std::vector<std::int64_t>& rows) {
  std::erase_if(rows, [&](std::int64_t row) { return gone[std::size_t(row)]; });
}

// Groups that share a photo become one, named after one of them.
class JoinedGroups {
 public:
  std::string root(const std::string& group) const {
    std::string name = group;
    for (auto found = parent_.find(name); found != parent_.end(); found = parent_.find(name)) name = found->second;
    return name;
  }
  // Joins b into a. False if they are one already.
  bool join(const std::string& a, const std::string& b) {
    const std::string one = root(a), other = root(b);
    if (one == other) return false;
    parent_[other] = one;
    return true;
  }

 private:
  std::map<std::string, std::string> parent_;
};

void join_groups(const CopySets& copies, const std::vector<char>& splits, Dataset& dataset) {
  if (dataset.groups.empty()) dataset.groups = dataset.crops.table().column("id");
  JoinedGroups joined;
  for (const std::vector<std::int64_t>& set : copies) {
    const std::vector<std::int64_t> trained = rows_in(set, splits, 't');
    for (const std::int64_t row : trained) {
      const std::string& first = dataset.groups[std::size_t(trained.front())];
      if (joined.join(first, dataset.groups[std::size_t(row)])) ++dataset.copies.joined_groups;
    }
  }
  if (dataset.copies.joined_groups == 0) return;
  for (const std::int64_t row : dataset.train) {
    std::string& group = dataset.groups[std::size_t(row)];
    group = joined.root(group);
  }
}

void drop_copies(const CopySets& copies, const std::vector<char>& splits, Dataset& dataset) {
  std::vector<bool> gone(dataset.crops.rows());
  for (const std::vector<std::int64_t>& set : copies) {
    const std::vector<std::int64_t> trained = rows_in(set, splits, 't');
    if (trained.empty()) continue;
    const bool tested = !rows_in(set, splits, 'h').empty(), differ = labels_differ(dataset, trained);
    dataset.copies.contradicting += differ;
    dataset.copies.tested += tested;
    for (const std::int64_t row : trained) gone[std::size_t(row)] = tested || differ || row != trained.front();
  }
  const std::size_t before = dataset.train.size();
  remove_rows(gone, dataset.train);
  dataset.copies.dropped = before - dataset.train.size();
  if (dataset.train.empty()) {
    throw DataError("{}: data.duplicates: drop leaves no train row; set it to together or warn",
                    dataset.crops.path().string());
  }
}

void drop_unlabelled(const CopySets& copies, const std::vector<char>& splits, Dataset& dataset) {
  std::vector<bool> gone(dataset.crops.rows());
  for (const std::vector<std::int64_t>& set : copies) {
    const std::vector<std::int64_t> unlabelled = rows_in(set, splits, 'u');
    if (unlabelled.size() == set.size()) continue;
    for (const std::int64_t row : unlabelled) gone[std::size_t(row)] = true;
  }
  const std::size_t before = dataset.unlabelled.size();
  remove_rows(gone, dataset.unlabelled);
  dataset.copies.dropped_unlabelled = before - dataset.unlabelled.size();
}

}  // namespace

Duplicates search_copies(const CropFile& crops, const std::vector<std::size_t>& rows, int threads) {
  const bool small = rows.size() * crops.shape().bytes() <= kMostBytes;
  return small ? find_duplicates(crops, rows, threads, check_stop)
               : Duplicates{.exact = find_exact_duplicates(crops, rows), .near = {}};
}

CopySets find_copies(const CropFile& crops, int threads) {
  CopySets sets;
  for (const Copies& copies : all_sets(search_copies(crops, valid_rows(crops), threads)))
    sets.emplace_back(copies.begin(), copies.end());
  return sets;
}

void apply_duplicates(const RunConfig& config, const CopySets& copies, Dataset& dataset) {
  if (config.data.duplicates == "warn") return;
  const std::vector<char> splits = splits_of(dataset);
  if (config.data.duplicates == "together")
    join_groups(copies, splits, dataset);
  else
    drop_copies(copies, splits, dataset);
  drop_unlabelled(copies, splits, dataset);
}

std::string copies_text(const RunConfig& config, const Dataset& dataset) {
  const CopyUse& use = dataset.copies;
  if (config.data.duplicates == "warn") return "";
  std::string text = fmt::format("data.duplicates: {}: ", config.data.duplicates);
  if (config.data.duplicates == "together") {
    text += use.joined_groups == 0 ? "no photo is in two groups"
                                   : fmt::format("{} merged into another (shared photo)",
                                                 counted(std::int64_t(use.joined_groups), "group"));
  } else {
    text += fmt::format("{} left out", counted(std::int64_t(use.dropped), "train row"));
    if (use.contradicting > 0)
      text += fmt::format("; {} removed entirely: labels differ", counted(std::int64_t(use.contradicting), "set"));
    if (use.tested > 0)
      text +=
          fmt::format("; {} removed entirely: a test row shows the photo", counted(std::int64_t(use.tested), "set"));
  }
  if (use.dropped_unlabelled > 0)
    text += fmt::format("; {} left out", counted(std::int64_t(use.dropped_unlabelled), "unlabelled row"));
  return text;
}

}  // namespace pleat
