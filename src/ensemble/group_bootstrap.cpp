#include "ensemble/group_bootstrap.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/ops/binomial.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "target/metrics.h"

namespace pleat {
namespace {

constexpr const char* kLogLoss = "log_loss";

// Rows with equal label and equal guesses of all tables are of one kind.
struct Kind {
  std::int64_t label = 0;
  std::array<std::int64_t, 2> guess{};  // the second of one table alone: 0
  auto operator<=>(const Kind&) const = default;
};

// Sums over drawn rows, from which all scores but log-loss follow.
using KindCounts = std::vector<std::int64_t>;  // rows by kind

class KindRows {
 public:
  KindRows(const std::vector<torch::Tensor>& given, const torch::Tensor& labels)
      : tables_(given.size()),
        classes_(static_cast<std::size_t>(given.front().size(1))),
        kind_of_(static_cast<std::size_t>(labels.numel())) {
    std::vector<torch::Tensor> tables;
    for (const torch::Tensor& each : given) tables.push_back(each.to(at::kDouble).contiguous());
    const torch::Tensor codes = labels.contiguous();
    std::map<Kind, std::int32_t> number_of;
    for (std::size_t row = 0; row < kind_of_.size(); ++row) {
      Kind kind{.label = codes.const_data_ptr<std::int64_t>()[row]};
      double gain = 0;
      for (std::size_t t = 0; t < tables.size(); ++t)
        gain -= sign(t) * read(tables[t].const_data_ptr<double>() + row * classes_, kind.label, kind.guess[t]);
      gains_.push_back(gain);
      const auto [found, is_new] = number_of.emplace(kind, static_cast<std::int32_t>(kinds_.size()));
      if (is_new) kinds_.push_back(kind);
      kind_of_[row] = found->second;
    }
  }

  static double sign(std::size_t table) { return table == 0 ? 1 : -1; }
  std::size_t size() const { return kind_of_.size(); }
  std::size_t classes() const { return classes_; }
  std::size_t kinds() const { return kinds_.size(); }
  std::int32_t kind(std::size_t row) const { return kind_of_[row]; }
  std::size_t tables() const { return tables_; }
  // The row's log-loss, negated.
  double gain(std::size_t row) const { return gains_[row]; }

  // The classes' counts in one table's predictions.
  std::vector<ClassCounts> counts(const KindCounts& drawn, std::size_t table) const {
    std::vector<ClassCounts> classes(classes_);
    for (std::size_t k = 0; k < kinds_.size(); ++k) {
      const Kind& kind = kinds_[k];
      classes[static_cast<std::size_t>(kind.label)].labelled += drawn[k];
      classes[static_cast<std::size_t>(kind.guess[table])].guessed += drawn[k];
      if (kind.label == kind.guess[table]) classes[static_cast<std::size_t>(kind.label)].hit += drawn[k];
    }
    return classes;
  }

 private:
  // Returns the log-loss.
  double read(const double* probs, std::int64_t label, std::int64_t& guess) const {
    constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
    guess = std::max_element(probs, probs + classes_) - probs;
    return -std::log(std::clamp(probs[label], kEpsilon, 1 - kEpsilon));
  }

  std::size_t tables_, classes_;
  std::vector<std::int32_t> kind_of_;  // by row
  std::vector<Kind> kinds_;
  std::vector<double> gains_;  // by row
};

double f1_of(const ClassCounts& one) {
  const auto either = static_cast<double>(one.labelled + one.guessed);
  return either == 0 ? 0 : 2 * static_cast<double>(one.hit) / either;
}

// The values of one draw: the score, then each class's F1. Of log-loss the score is 0.
std::vector<double> values_of(const KindRows& rows, const KindCounts& drawn, const std::string& score) {
  std::vector<double> values(1 + rows.classes());
  const auto count = static_cast<double>(std::accumulate(drawn.begin(), drawn.end(), std::int64_t{0}));
  for (std::size_t table = 0; table < rows.tables(); ++table) {
    const double sign = KindRows::sign(table);
    const std::vector<ClassCounts> classes = rows.counts(drawn, table);
    std::int64_t hits = 0;
    for (std::size_t c = 0; c < classes.size(); ++c) {
      hits += classes[c].hit;
      values[1 + c] += sign * f1_of(classes[c]);
    }
    values[0] +=
        sign * score_by_name({.accuracy = static_cast<double>(hits) / count, .macro_f1 = macro_f1(classes)}, score);
  }
  return values;
}

// The values on some rows.
std::vector<double> values_on(const KindRows& rows, const std::vector<std::size_t>& some, const std::string& score) {
  KindCounts drawn(rows.kinds());
  double gain = 0;
  for (const std::size_t row : some) {
    ++drawn[static_cast<std::size_t>(rows.kind(row))];
    gain += rows.gain(row);
  }
  std::vector<double> values = values_of(rows, drawn, score);
  if (score == kLogLoss) values[0] = gain / static_cast<double>(some.size());
  return values;
}

// Groups with the same numbers of rows of each kind are of one type, and change places without a difference.
struct GroupType {
  std::vector<std::pair<std::int32_t, std::int64_t>> rows;  // kind, number
  std::int64_t groups = 0;
};

std::vector<GroupType> types_of(const KindRows& rows, const RowGroups& groups) {
  std::map<std::map<std::int32_t, std::int64_t>, std::int64_t> count;
  for (std::int64_t g = 0; g < groups.count(); ++g) {
    std::map<std::int32_t, std::int64_t> kinds;
    for (std::int64_t i = 0; i < groups.size(g); ++i) ++kinds[rows.kind(static_cast<std::size_t>(groups.first(g)[i]))];
    ++count[kinds];
  }
  std::vector<GroupType> types;
  for (const auto& [kinds, number] : count) types.push_back({{kinds.begin(), kinds.end()}, number});
  return types;
}

// Draws as many groups as there are, `resamples` times at once: the numbers of groups of each type are multinomial, so
// each is binomial given those before it.
// Returns rows by kind and resample: [kinds][resamples].
std::vector<std::vector<double>> draw_kinds(const KindRows& rows, const std::vector<GroupType>& types,
                                            std::int64_t resamples, at::Generator random) {
  std::vector<std::vector<double>> drawn(rows.kinds(), std::vector<double>(static_cast<std::size_t>(resamples)));
  std::int64_t left = 0;  // groups of the types that follow
  for (const GroupType& type : types) left += type.groups;
  torch::Tensor to_draw = at::full({resamples}, static_cast<double>(left), at::kDouble);
  for (const GroupType& type : types) {
    const double share = static_cast<double>(type.groups) / static_cast<double>(left);
    const torch::Tensor number =
        share == 1 ? to_draw : at::binomial(to_draw, at::full({resamples}, share, at::kDouble), random);
    const auto* groups = number.const_data_ptr<double>();
    for (const auto& [kind, in_group] : type.rows) {
      std::vector<double>& sums = drawn[static_cast<std::size_t>(kind)];
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<double>(in_group) * groups[i];
    }
    to_draw = to_draw - number;
    left -= type.groups;
  }
  return drawn;
}

constexpr std::int64_t kTogether = 250;  // resamples that are drawn together, each block from its own stream

RandomStream stream_of(std::int64_t block, std::uint32_t part) {
  return RandomStream({.purpose = Purpose::kResample, .part = part, .sample = static_cast<std::uint64_t>(block)});
}

// Calls for_block(block, first resample, last + 1) for all blocks, on all threads.
template <class Function>
void in_blocks(std::int64_t resamples, const Function& for_block) {
  at::parallel_for(0, (resamples + kTogether - 1) / kTogether, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t block = first; block < last; ++block)
      for_block(block, block * kTogether, std::min(resamples, (block + 1) * kTogether));
  });
}

// The values on each resample: [values][resamples].
std::vector<std::vector<double>> resampled(const KindRows& rows, const RowGroups& groups, const std::string& score,
                                           std::int64_t resamples) {
  std::vector<std::vector<double>> by_value(1 + rows.classes(),
                                            std::vector<double>(static_cast<std::size_t>(resamples)));
  const std::vector<GroupType> types = types_of(rows, groups);
  in_blocks(resamples, [&](std::int64_t block, std::int64_t first, std::int64_t last) {
    const at::Generator random = at::detail::createCPUGenerator(stream_of(block, 0).next64());
    const std::vector<std::vector<double>> drawn = draw_kinds(rows, types, last - first, random);
    KindCounts counts(rows.kinds());
    for (std::int64_t i = first; i < last; ++i) {
      for (std::size_t k = 0; k < counts.size(); ++k)
        counts[k] = static_cast<std::int64_t>(drawn[k][static_cast<std::size_t>(i - first)]);
      const std::vector<double> values = values_of(rows, counts, score);
      for (std::size_t v = 0; v < values.size(); ++v) by_value[v][static_cast<std::size_t>(i)] = values[v];
    }
  });
  return by_value;
}

// The negated mean log-loss on each resample. No two groups have the same losses, so groups are drawn one by
// one.
std::vector<double> resampled_gain(const KindRows& rows, const RowGroups& groups, std::int64_t resamples) {
  std::vector<double> gain(static_cast<std::size_t>(groups.count()));
  for (std::int64_t g = 0; g < groups.count(); ++g) {
    for (std::int64_t i = 0; i < groups.size(g); ++i)
      gain[static_cast<std::size_t>(g)] += rows.gain(static_cast<std::size_t>(groups.first(g)[i]));
  }
  std::vector<double> values(static_cast<std::size_t>(resamples));
  in_blocks(resamples, [&](std::int64_t block, std::int64_t first, std::int64_t last) {
    RandomStream random = stream_of(block, 1);
    for (std::int64_t i = first; i < last; ++i) {
      double sum = 0;
      std::int64_t drawn_rows = 0;
      for (std::int64_t g = 0; g < groups.count(); ++g) {
        const std::int64_t group = random.below(static_cast<std::uint32_t>(groups.count()));
        sum += gain[static_cast<std::size_t>(group)];
        drawn_rows += groups.size(group);
      }
      values[static_cast<std::size_t>(i)] = sum / static_cast<double>(drawn_rows);
    }
  });
  return values;
}

}  // namespace

struct GroupBootstrap::Impl {
  KindRows rows;
  RowGroups groups;
  std::string score;
};

GroupBootstrap::GroupBootstrap(const std::vector<torch::Tensor>& tables, const torch::Tensor& labels, RowGroups groups,
                               std::string score)
    : impl_(new Impl{KindRows(tables, labels), std::move(groups), std::move(score)}) {
  score_by_name({}, impl_->score);  // throws for an unknown one
}

GroupBootstrap::~GroupBootstrap() = default;

double GroupBootstrap::score_on(const std::vector<std::size_t>& rows) const {
  return values_on(impl_->rows, rows, impl_->score).front();
}

ScoreIntervals GroupBootstrap::intervals(int resamples) const {
  const auto& [rows, groups, score] = *impl_;
  std::vector<std::size_t> all(rows.size());
  std::iota(all.begin(), all.end(), 0);
  const std::vector<double> whole = values_on(rows, all, score);
  std::vector<std::vector<double>> drawn = resampled(rows, groups, score, resamples);
  if (score == kLogLoss) drawn[0] = resampled_gain(rows, groups, resamples);
  ScoreIntervals result{.score = percentile_interval(whole[0], std::move(drawn[0]))};
  for (std::size_t c = 0; c < rows.classes(); ++c)
    result.class_f1.push_back(percentile_interval(whole[1 + c], std::move(drawn[1 + c])));
  return result;
}

}  // namespace pleat
