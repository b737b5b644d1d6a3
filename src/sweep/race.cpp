#include "sweep/race.h"

#include <algorithm>

namespace pleat {
namespace {

// The sizes of the second and third rung.
int best_third(int cells) { return std::min(cells, std::max(2, (cells + 2) / 3)); }
int best_half(int cells) { return std::min(cells, std::max(2, (cells + 1) / 2)); }

}  // namespace

Race::Race(const RaceShape& shape, RaceJudge& judge)
    : shape_(shape),
      judge_(judge),
      results_(std::size_t(shape.cells) * std::size_t(shape.folds + 1)),
      members_(std::size_t(shape.folds), Members(std::size_t(shape.cells))),
      decided_(members_),
      scores_(results_.size()) {
  if (shape_.cells <= 2) shape_.briefs = false;  // both would pass
  if (!shape_.race) shape_.briefs = false;
}

Race::Most Race::most(const RaceShape& shape) {
  const int others = shape.folds - 1;
  if (!shape.race) return {0, shape.cells, shape.cells * others};
  const int second = best_third(shape.cells);
  const bool briefs = shape.briefs && shape.cells > 2;
  return {briefs ? shape.cells : 0, briefs ? second : shape.cells, best_half(second) * others};
}

// The short schedules come first, then the full ones of each place.
std::size_t Race::index_of(const SweepTask& task) const {
  return std::size_t((task.brief ? 0 : task.place + 1) * shape_.cells + task.cell);
}

// A result decides who trains on the next fold, or after a short schedule on the first one.
void Race::record(const SweepTask& task, Result result) {
  results_[index_of(task)] = result;
  changed_from_ = std::min(changed_from_, task.brief ? 0 : task.place + 1);
}

void Race::done(const SweepTask& task) { record(task, Result::kDone); }
void Race::failed(const SweepTask& task) { record(task, Result::kFailed); }

Race::Result Race::result(const SweepTask& task) const { return results_[index_of(task)]; }

double Race::score(int cell, int folds) const {
  std::optional<double>& known = scores_[index_of({cell, folds == 0, folds - 1})];
  if (!known) known = folds == 0 ? judge_.brief_score(cell) : judge_.score(cell, folds);
  return *known;
}

const Interval& Race::against(int cell, int leader, int folds) const {
  const auto [found, is_new] = differences_.try_emplace({cell, leader, folds});
  if (is_new) found->second = judge_.against(cell, leader, folds);
  return found->second;
}

// Members of `from` that are surely among the `most` best, or surely not, whatever the missing results will be.
Race::Members Race::best_of(const Members& from, int most, const std::vector<Result>& results,
                            const std::vector<double>& scores) const {
  std::vector<int> known;
  int open = 0;  // cells that may still take a place
  for (int cell = 0; cell < shape_.cells; ++cell) {
    const auto c = static_cast<std::size_t>(cell);
    if (from[c] == Sure::kOut || results[c] == Result::kFailed) continue;
    if (from[c] == Sure::kIn && results[c] == Result::kDone)
      known.push_back(cell);
    else
      ++open;
  }
  std::stable_sort(known.begin(), known.end(),
                   [&](int a, int b) { return scores[std::size_t(a)] > scores[std::size_t(b)]; });
  Members members(from.size(), Sure::kOut);
  for (std::size_t c = 0; c < from.size(); ++c) {
    if (from[c] != Sure::kOut && results[c] == Result::kNone) members[c] = Sure::kUnknown;
    if (from[c] == Sure::kUnknown && results[c] != Result::kFailed) members[c] = Sure::kUnknown;
  }
  for (std::size_t rank = 0; rank < known.size(); ++rank) {
    Sure& member = members[std::size_t(known[rank])];
    if (static_cast<int>(rank) >= most)
      member = Sure::kOut;
    else
      member = static_cast<int>(rank) + open < most ? Sure::kIn : Sure::kUnknown;
  }
  return members;
}

// The cells by their results before the fold at `place`, best first; none as long as one is missing. Before the first
// fold these are the short schedules; without these, the first fold itself.
std::optional<std::vector<int>> Race::order_before(int place) const {
  const bool brief = place == 0 && shape_.briefs;
  const int last = std::max(0, place - 1);
  std::vector<int> order;
  for (int cell = 0; cell < shape_.cells; ++cell) {
    const Sure member = brief ? Sure::kIn : members_[std::size_t(last)][std::size_t(cell)];
    if (member == Sure::kUnknown) return std::nullopt;
    if (member == Sure::kOut) continue;
    const Result found = result({cell, brief, brief ? 0 : last});
    if (found == Result::kNone) return std::nullopt;
    if (found == Result::kDone) order.push_back(cell);
  }
  const int folds = brief ? 0 : last + 1;
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return score(a, folds) > score(b, folds); });
  return order;
}

// The best cell before the fold at `place` that is a member there and has not failed there; -1 if all have.
std::optional<int> Race::leader_of(int place) const {
  const auto order = order_before(place);
  if (!order) return std::nullopt;
  for (const int cell : *order) {
    const Sure member = members_[std::size_t(place)][std::size_t(cell)];
    if (member == Sure::kUnknown) return std::nullopt;
    if (member == Sure::kOut) continue;
    const Result found = result({cell, false, place});
    if (found == Result::kNone) return std::nullopt;
    if (found == Result::kDone) return cell;
  }
  return -1;
}

// Decides if a member stays after the fold at `place`, given that fold's leader.
Race::Sure Race::survives(int cell, int place, const std::optional<int>& leader) const {
  const Result found = result({cell, false, place});
  if (found == Result::kFailed) return Sure::kOut;
  if (found == Result::kNone || !leader) return Sure::kUnknown;
  if (*leader < 0 || *leader == cell) return Sure::kIn;
  return against(cell, *leader, place + 1).high < 0 ? Sure::kOut : Sure::kIn;
}

Race::Members Race::members_of(int place) const {
  const auto cells = static_cast<std::size_t>(shape_.cells);
  if (!shape_.race) return Members(cells, Sure::kIn);
  const auto collect = [&](bool brief, int at, std::vector<Result>& results, std::vector<double>& scores) {
    for (int cell = 0; cell < shape_.cells; ++cell) {
      results.push_back(result({cell, brief, at}));
      scores.push_back(results.back() == Result::kDone ? score(cell, brief ? 0 : at + 1) : 0);
    }
  };
  std::vector<Result> results;
  std::vector<double> scores;
  if (place == 0) {
    if (!shape_.briefs) return Members(cells, Sure::kIn);
    collect(true, 0, results, scores);
    return best_of(Members(cells, Sure::kIn), best_third(shape_.cells), results, scores);
  }
  const Members& before = members_[std::size_t(place - 1)];
  const auto count = [&](Sure sure) { return std::count(before.begin(), before.end(), sure); };
  const bool settled = count(Sure::kUnknown) == 0;
  if (settled && count(Sure::kIn) == 1) return before;  // nothing is left to decide, not even after a failure
  Members members = before;
  if (place == 1) {
    collect(false, 0, results, scores);
    members = best_of(before, best_half(best_third(shape_.cells)), results, scores);
  }
  const std::optional<int> leader = leader_of(place - 1);
  for (int cell = 0; cell < shape_.cells; ++cell) {
    Sure& member = members[std::size_t(cell)];
    const bool was_member = before[std::size_t(cell)] == Sure::kIn;
    const bool failed = was_member && result({cell, false, place - 1}) == Result::kFailed;
    if (failed) member = settled ? Sure::kOut : Sure::kUnknown;  // it may prove to be the only member
    if (failed || member == Sure::kOut) continue;
    const Sure survived = was_member ? survives(cell, place - 1, leader) : Sure::kUnknown;
    if (survived != Sure::kIn) member = survived;
  }
  return members;
}

Race::Decided Race::decide() {
  Decided decided;
  for (int place = changed_from_; place < shape_.folds; ++place) {
    const auto all = [this](int of, Sure sure) {
      const Members& members = members_[std::size_t(of)];
      return std::all_of(members.begin(), members.end(), [sure](Sure member) { return member == sure; });
    };
    if (place > 0 && all(place - 1, Sure::kUnknown)) break;  // nothing can be decided from here on
    Members& members = members_[std::size_t(place)];
    if (std::find(members.begin(), members.end(), Sure::kUnknown) == members.end()) continue;
    members = members_of(place);
    for (int cell = 0; cell < shape_.cells; ++cell) {
      const Sure member = members[std::size_t(cell)];
      Sure& told = decided_[std::size_t(place)][std::size_t(cell)];
      if (told != Sure::kUnknown || member == Sure::kUnknown) continue;
      told = member;
      (member == Sure::kIn ? decided.wanted : decided.unwanted).push_back({cell, false, place});
    }
  }
  changed_from_ = shape_.folds;
  return decided;
}

int Race::undecided() const {
  if (!shape_.race) return 0;
  int undecided = 0;
  int most = shape_.briefs ? best_third(shape_.cells) : shape_.cells;
  for (int place = 0; place < shape_.folds; ++place) {
    const Members& members = members_[std::size_t(place)];
    const int in = static_cast<int>(std::count(members.begin(), members.end(), Sure::kIn));
    const int open = static_cast<int>(std::count(members.begin(), members.end(), Sure::kUnknown));
    if (place == 1) most = std::min(most, best_half(best_third(shape_.cells)));
    most = std::min(most, in + open);
    undecided += std::max(0, most - in);
  }
  return undecided;
}

bool Race::over() const {
  for (int cell = 0; cell < shape_.cells; ++cell) {
    if (shape_.briefs && result({cell, true, 0}) == Result::kNone) return false;
    for (int place = 0; place < shape_.folds; ++place) {
      const Sure told = decided_[std::size_t(place)][std::size_t(cell)];
      if (told == Sure::kUnknown) return false;
      if (told == Sure::kIn && result({cell, false, place}) == Result::kNone) return false;
    }
  }
  return true;
}

std::vector<Race::Standing> Race::standings() const {
  std::vector<Standing> all;
  for (int cell = 0; cell < shape_.cells; ++cell) {
    Standing& standing = all.emplace_back();
    standing.brief = result({cell, true, 0}) == Result::kDone;
    standing.failed = result({cell, true, 0}) == Result::kFailed;
    int wanted = 0, done = 0;
    for (int place = 0; place < shape_.folds; ++place) {
      done += result({cell, false, place}) == Result::kDone;
      if (members_[std::size_t(place)][std::size_t(cell)] != Sure::kIn) continue;
      ++wanted;
      const Result found = result({cell, false, place});
      standing.folds += found == Result::kDone;
      standing.failed = standing.failed || found == Result::kFailed;
    }
    if (done == shape_.folds) {
      wanted = done;
      standing.folds = done;
    }
    if (shape_.race && wanted > 0) standing.rung = wanted > 1 || shape_.folds == 1 ? 3 : 2;
    standing.complete = standing.folds == shape_.folds;
    if (standing.complete || standing.failed || wanted == 0) continue;
    const auto leader = leader_of(wanted - 1);
    if (!leader || *leader < 0 || *leader == cell) continue;
    standing.leader = *leader;
    if (against(cell, *leader, wanted).high < 0) standing.behind = against(cell, *leader, wanted);
  }
  return all;
}

std::optional<int> Race::winner() const {
  std::optional<int> best;
  const std::vector<Standing> all = standings();
  for (int cell = 0; cell < shape_.cells; ++cell) {
    if (!all[std::size_t(cell)].complete) continue;
    if (!best || score(cell, shape_.folds) > score(*best, shape_.folds)) best = cell;
  }
  return best;
}

}  // namespace pleat
