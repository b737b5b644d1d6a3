#include "ensemble/greedy.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>

#include "base/error.h"
#include "target/metrics.h"

namespace pleat {
namespace {

// Scores that differ by less are equal: the same mean, summed in another order, differs by rounding.
constexpr double kSame = 1e-12;
constexpr std::int64_t kChunk = 1024;  // rows that one thread takes at a time
constexpr std::int64_t kBlock = 16;    // rows that are compared side by side, in lanes

// One float32 number or class for each of kBlock rows.
using Floats = float __attribute__((vector_size(kBlock * sizeof(float)), aligned(alignof(float)), may_alias));
using Ints = std::int32_t __attribute__((vector_size(kBlock * sizeof(std::int32_t))));

// The class with the largest sum of each row of a block, and whether float32 leaves no doubt about it.
struct Leaders {
  std::array<std::int32_t, kBlock> first, sure;
};

// Adds a candidate's probabilities to the sums of a block, both [classes][kBlock]. A lead is sure if it is wider than
// `doubt`.
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"))) void find_leaders(
    const float* sums, const float* probs, std::int64_t classes, float doubt, Leaders& leaders) {
  const auto *a = reinterpret_cast<const Floats*>(sums), *b = reinterpret_cast<const Floats*>(probs);  // by class
  Floats most = a[0] + b[0], second = most - 3;  // of one class, the lead is sure
  Ints first{}, place{};
  for (std::int64_t c = 1; c < classes; ++c) {
    place += 1;
    const Floats sum = a[c] + b[c];
    const Ints leads = sum > most;
    second = leads ? most : (sum > second ? sum : second);
    first = leads ? place : first;
    most = leads ? sum : most;
  }
  const Ints sure = most - second > doubt;
  std::memcpy(leaders.first.data(), &first, sizeof(first));
  std::memcpy(leaders.sure.data(), &sure, sizeof(sure));
}

// Counts of one candidate's trial: for each class, the rows that are guessed to be of it, wrongly and rightly.
class Counts {
 public:
  explicit Counts(std::size_t classes) : cells_(2 * classes) {}
  void add(std::int64_t guess, std::int64_t label) { ++cells_[std::size_t(2 * guess + (guess == label))]; }
  void add(const Counts& more) {
    for (std::size_t cell = 0; cell < cells_.size(); ++cell) cells_[cell] += more.cells_[cell];
  }
  std::vector<ClassCounts> with_labels(const std::vector<std::int64_t>& labelled) const {
    std::vector<ClassCounts> classes(labelled.size());
    for (std::size_t c = 0; c < classes.size(); ++c) {
      classes[c].hit = cells_[2 * c + 1];
      classes[c].guessed = cells_[2 * c] + cells_[2 * c + 1];
      classes[c].labelled = labelled[c];
    }
    return classes;
  }
  std::int64_t hits() const {
    std::int64_t sum = 0;
    for (std::size_t cell = 1; cell < cells_.size(); cell += 2) sum += cells_[cell];
    return sum;
  }

 private:
  std::vector<std::int64_t> cells_;
};

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
    if (score != "log_loss") copy_tables();
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

  std::pair<int, double> next_pick(int before) {
    const std::size_t count = candidates_.probs.size();
    std::vector<double> scores;
    if (score_ == "log_loss") {
      for (std::size_t m = 0; m < count; ++m) scores.push_back(-log_loss(m, before));
    } else {
      for (const Counts& counts : count_all(before)) scores.push_back(score_of(counts));
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

  std::int64_t blocks() const { return (static_cast<std::int64_t>(rows_.size()) + kBlock - 1) / kBlock; }
  std::size_t block_size() const { return std::size_t(classes_ * kBlock); }
  // The rows of a block as [classes][kBlock] float32; empty lanes stay as they are.
  template <class RowOf>
  void copy_block(std::int64_t block, const RowOf& row_of, float* out) const {
    const std::int64_t first = block * kBlock,
                       last = std::min<std::int64_t>(first + kBlock, std::int64_t(rows_.size()));
    for (std::int64_t i = first; i < last; ++i) {
      const double* row = row_of(i);
      for (std::int64_t c = 0; c < classes_; ++c) out[c * kBlock + i - first] = static_cast<float>(row[c]);
    }
  }

  // Copies the candidates' probabilities of all rows to tables_. Half the bytes, and comparisons side by side.
  void copy_tables() {
    const std::size_t count = candidates_.probs.size();
    tables_.resize(std::size_t(blocks()) * count * block_size());
    each_chunk([&](std::int64_t, std::int64_t first, std::int64_t last) {
      for (std::int64_t block = first / kBlock; block * kBlock < last; ++block) {
        for (std::size_t m = 0; m < count; ++m) {
          copy_block(
              block, [&](std::int64_t i) { return table(m) + rows_[std::size_t(i)] * classes_; }, table_of(block, m));
        }
      }
    });
  }
  float* table_of(std::int64_t block, std::size_t candidate) {
    return tables_.data() + (std::size_t(block) * candidates_.probs.size() + candidate) * block_size();
  }

  // The first class with the largest sum once the candidate is added, in float64.
  std::int64_t exact_guess(std::int64_t place, std::size_t candidate) const {
    const double *sums = sums_.data() + place * classes_,
                 *probs = table(candidate) + rows_[std::size_t(place)] * classes_;
    std::int64_t guess = 0;
    for (std::int64_t c = 1; c < classes_; ++c) {
      if (sums[c] + probs[c] > sums[guess] + probs[guess]) guess = c;
    }
    return guess;
  }

  // Counts a candidate's trial on a block.
  void count_block(std::int64_t block, std::size_t candidate, const float* sums, float doubt, Counts& counts) {
    Leaders leaders;
    find_leaders(sums, table_of(block, candidate), classes_, doubt, leaders);
    const std::int64_t first = block * kBlock,
                       last = std::min<std::int64_t>(first + kBlock, std::int64_t(rows_.size()));
    for (std::int64_t i = first; i < last; ++i) {
      const auto lane = std::size_t(i - first);
      const std::int64_t guess = leaders.sure[lane] ? leaders.first[lane] : exact_guess(i, candidate);
      counts.add(guess, labels_[rows_[std::size_t(i)]]);
    }
  }

  // Counts every candidate's trial. before: the number of picks so far
  std::vector<Counts> count_all(int before) {
    // A sum of `before` + 1 probabilities is rounded three times, to 2^-24 of itself; a lead has two such errors.
    const float doubt = 6 * 0x1p-24F * static_cast<float>(before + 2);
    const std::size_t count = candidates_.probs.size(), classes = std::size_t(classes_);
    std::vector<Counts> all(count, Counts(classes));
    std::mutex mutex;
    each_chunk([&](std::int64_t, std::int64_t first, std::int64_t last) {
      std::vector<Counts> own(count, Counts(classes));
      std::vector<float> sums(block_size());
      for (std::int64_t block = first / kBlock; block * kBlock < last; ++block) {
        copy_block(
            block, [&](std::int64_t i) { return sums_.data() + i * classes_; }, sums.data());
        for (std::size_t m = 0; m < count; ++m) count_block(block, m, sums.data(), doubt, own[m]);
      }
      const std::lock_guard lock(mutex);  // integers: the order of the chunks does not matter
      for (std::size_t m = 0; m < count; ++m) all[m].add(own[m]);
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
  std::vector<float> tables_;           // [blocks, candidates, classes, kBlock]: the rows' probabilities
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
