#include "ensemble/greedy.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>

#include "base/error.h"
#include "target/metrics.h"

namespace pleat {
namespace {

// Scores that differ by less are equal: the same mean, summed in another order, differs by rounding.
constexpr double kSame = 1e-12;
constexpr std::int64_t kChunk = 1024;  // rows; its sums stay in the cache while all candidates pass

// Counts per class of one candidate's trial, without the labels, which are those of all trials.
class Counts {
 public:
  explicit Counts(std::size_t classes) : classes_(classes) {}
  void add(std::int64_t guess, std::int64_t label) {
    ++classes_[std::size_t(guess)].guessed;
    classes_[std::size_t(guess)].hit += guess == label;
  }
  void add(const Counts& more) {
    for (std::size_t c = 0; c < classes_.size(); ++c) {
      classes_[c].guessed += more.classes_[c].guessed;
      classes_[c].hit += more.classes_[c].hit;
    }
  }
  std::vector<ClassCounts> with_labels(const std::vector<std::int64_t>& labelled) const {
    std::vector<ClassCounts> classes = classes_;
    for (std::size_t c = 0; c < classes.size(); ++c) classes[c].labelled = labelled[c];
    return classes;
  }
  std::int64_t hits() const {
    std::int64_t sum = 0;
    for (const ClassCounts& each : classes_) sum += each.hit;
    return sum;
  }

 private:
  std::vector<ClassCounts> classes_;
};

// The first of the largest a[i] + b[i].
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"))) std::int64_t argmax_of_sum(
    const double* a, const double* b, std::int64_t classes) {
  double most = a[0] + b[0];
#pragma omp simd reduction(max : most)
  for (std::int64_t c = 0; c < classes; ++c) {
    const double sum = a[c] + b[c];
    most = most < sum ? sum : most;
  }
  auto first = static_cast<double>(classes);
#pragma omp simd reduction(min : first)
  for (std::int64_t c = 0; c < classes; ++c) {
    const double place = a[c] + b[c] == most ? static_cast<double>(c) : static_cast<double>(classes);
    first = place < first ? place : first;
  }
  return static_cast<std::int64_t>(first);
}

// The largest of `values` and how far it is above the others.
struct Lead {
  std::int64_t first = 0;
  double margin = 0;
};
Lead lead_of(const double* values, std::int64_t classes) {
  double most = -1, second = -1;
  std::int64_t first = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    if (values[c] > most) {
      second = most, most = values[c], first = c;
    } else if (values[c] > second) {
      second = values[c];
    }
  }
  return {first, most - second};
}

class GreedySearch {
 public:
  GreedySearch(const Candidates& candidates, const RowList& rows, const std::string& score)
      : candidates_(candidates),
        rows_(rows),
        score_(score),
        classes_(candidates.classes()),
        labels_(candidates.labels.const_data_ptr<std::int64_t>()),
        labelled_(std::size_t(classes_)),
        sums_(rows.size() * std::size_t(classes_)) {
    if (score != "macro_f1" && score != "accuracy" && score != "log_loss")
      throw UsageError("unknown score '{}'; expected macro_f1, accuracy or log_loss", score);
    for (const std::int64_t row : rows) ++labelled_[std::size_t(labels_[row])];
    if (score != "log_loss") find_largest();
  }

  std::vector<int> run() {
    std::vector<int> picks;
    std::size_t best_length = 0;
    double best = -std::numeric_limits<double>::infinity();
    for (int pick = 0; pick < kMostPicks; ++pick) {
      const auto [candidate, score] = next_pick(pick);
      picks.push_back(candidate);
      add(candidate);
      if (score > best + kSame) best = score, best_length = picks.size();
    }
    picks.resize(best_length);
    return picks;
  }

 private:
  const double* table(std::size_t candidate) const { return candidates_.probs[candidate].const_data_ptr<double>(); }

  // Runs work(first, last) on chunks of the rows, in any order, on all threads.
  template <class Work>
  void each_chunk(const Work& work) const {
    const auto rows = static_cast<std::int64_t>(rows_.size());
    at::parallel_for(0, (rows + kChunk - 1) / kChunk, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t chunk = first; chunk < last; ++chunk)
        work(chunk, chunk * kChunk, std::min(rows, (chunk + 1) * kChunk));
    });
  }

  std::pair<int, double> next_pick(int before) const {
    const std::size_t count = candidates_.probs.size();
    std::vector<double> scores;
    if (score_ == "log_loss") {
      for (std::size_t m = 0; m < count; ++m) scores.push_back(-log_loss(m, before));
    } else {
      for (const Counts& counts : count_all()) scores.push_back(score_of(counts));
    }
    const double best = *std::max_element(scores.begin(), scores.end());
    std::vector<std::size_t> tied;
    for (std::size_t m = 0; m < count; ++m) {
      if (scores[m] >= best - kSame) tied.push_back(m);
    }
    std::size_t chosen = tied.front();
    double least = std::numeric_limits<double>::infinity();
    for (const std::size_t m : tied.size() > 1 ? tied : std::vector<std::size_t>()) {
      const double loss = log_loss(m, before);
      if (loss < least - kSame) least = loss, chosen = m;
    }
    return {static_cast<int>(chosen), best};
  }

  // The largest probability of each row over all candidates: no candidate can close a wider lead.
  void find_largest() {
    largest_.resize(rows_.size());
    each_chunk([&](std::int64_t, std::int64_t first, std::int64_t last) {
      for (std::size_t m = 0; m < candidates_.probs.size(); ++m) {
        for (std::int64_t i = first; i < last; ++i) {
          const double* row = table(m) + rows_[std::size_t(i)] * classes_;
          double& most = largest_[std::size_t(i)];
          for (std::int64_t c = 0; c < classes_; ++c) most = std::max(most, row[c]);
        }
      }
    });
  }

  // Rows of a chunk whose leading class a candidate may change, with the classes that may lead then.
  struct OpenRows {
    struct Row {
      std::int64_t place, row;         // in sums_, and of the tables
      std::size_t begin = 0, end = 0;  // in `contenders`
    };
    std::vector<Row> rows;
    std::vector<std::int64_t> contenders;
    Counts decided;  // of the other rows
  };

  OpenRows open_rows(std::int64_t first, std::int64_t last) const {
    OpenRows open{.decided = Counts(std::size_t(classes_))};
    for (std::int64_t i = first; i < last; ++i) {
      const double* sums = sums_.data() + i * classes_;
      const Lead lead = lead_of(sums, classes_);
      const double reach = largest_[std::size_t(i)] + kSame;
      const std::int64_t row = rows_[std::size_t(i)];
      if (lead.margin > reach) {
        open.decided.add(lead.first, labels_[row]);
        continue;
      }
      OpenRows::Row& added = open.rows.emplace_back(OpenRows::Row{i, row, open.contenders.size()});
      for (std::int64_t c = 0; c < classes_; ++c) {
        if (sums[lead.first] - sums[c] <= reach) open.contenders.push_back(c);
      }
      added.end = open.contenders.size();
    }
    return open;
  }

  // The first class with the largest sum once the candidate is added.
  std::int64_t guess_of(const OpenRows& open, const OpenRows::Row& row, const double* probs) const {
    constexpr std::size_t kFew = 8;  // of more, all classes at once are faster
    const double *sums = sums_.data() + row.place * classes_, *mine = probs + row.row * classes_;
    if (row.end - row.begin > kFew) return argmax_of_sum(sums, mine, classes_);
    std::int64_t guess = 0;
    double most = -1;
    for (std::size_t place = row.begin; place < row.end; ++place) {
      const std::int64_t c = open.contenders[place];
      const double sum = sums[c] + mine[c];
      if (sum > most) most = sum, guess = c;
    }
    return guess;
  }

  // Counts every candidate's trial. Rows whose leading class no candidate can change are counted once for all.
  std::vector<Counts> count_all() const {
    const std::size_t count = candidates_.probs.size(), classes = std::size_t(classes_);
    std::vector<Counts> all(count, Counts(classes));
    std::mutex mutex;
    each_chunk([&](std::int64_t, std::int64_t first, std::int64_t last) {
      std::vector<Counts> own(count, Counts(classes));
      const OpenRows open = open_rows(first, last);
      for (std::size_t m = 0; m < count; ++m) {
        for (const OpenRows::Row& row : open.rows) own[m].add(guess_of(open, row, table(m)), labels_[row.row]);
      }
      const std::lock_guard lock(mutex);  // integers: the order of the chunks does not matter
      for (std::size_t m = 0; m < count; ++m) {
        all[m].add(own[m]);
        all[m].add(open.decided);
      }
    });
    return all;
  }

  double score_of(const Counts& counts) const {
    if (score_ == "accuracy") return static_cast<double>(counts.hits()) / static_cast<double>(rows_.size());
    return macro_f1(counts.with_labels(labelled_));
  }

  double log_loss(std::size_t candidate, int before) const {
    constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
    const double* probs = table(candidate);
    std::vector<double> partial((rows_.size() + std::size_t(kChunk) - 1) / std::size_t(kChunk));
    each_chunk([&](std::int64_t chunk, std::int64_t first, std::int64_t last) {
      constexpr std::int64_t kAtOnce = 16;  // a product of so many is still in range, and saves logarithms
      double sum = 0;
      for (std::int64_t start = first; start < last; start += kAtOnce) {
        double product = 1;
        for (std::int64_t i = start; i < std::min(last, start + kAtOnce); ++i) {
          const std::int64_t row = rows_[std::size_t(i)], label = labels_[row];
          const double p = (sums_[std::size_t(i * classes_ + label)] + probs[row * classes_ + label]) / (before + 1);
          product *= std::clamp(p, kEpsilon, 1 - kEpsilon);
        }
        sum -= std::log(product);
      }
      partial[std::size_t(chunk)] = sum;
    });
    double sum = 0;
    for (const double each : partial) sum += each;
    return sum / static_cast<double>(rows_.size());
  }

  void add(int candidate) {
    const double* probs = table(std::size_t(candidate));
    each_chunk([&](std::int64_t, std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        const double* row = probs + rows_[std::size_t(i)] * classes_;
        for (std::int64_t c = 0; c < classes_; ++c) sums_[std::size_t(i * classes_ + c)] += row[c];
      }
    });
  }

  const Candidates& candidates_;
  const RowList& rows_;
  const std::string& score_;
  const std::int64_t classes_;
  const std::int64_t* labels_;
  std::vector<std::int64_t> labelled_;  // rows of each class
  std::vector<double> sums_;            // [rows, classes]: sum of the picks so far
  std::vector<double> largest_;         // of each row, over candidates and classes
};

}  // namespace

std::vector<int> greedy_picks(const Candidates& candidates, const RowList& rows, const std::string& score) {
  require_well_formed(candidates);
  return GreedySearch(candidates, rows, score).run();
}

std::vector<double> weights_of_picks(const std::vector<int>& picks, std::size_t candidates) {
  std::vector<double> weights(candidates);
  for (const int pick : picks) weights[std::size_t(pick)] += 1;
  for (double& weight : weights) weight /= static_cast<double>(picks.size());
  return weights;
}

}  // namespace pleat
