#include "ensemble/label_issues.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

namespace pleat {
namespace {

constexpr double kTie = 1e-6;  // a probability this close to a threshold reaches it

// Read access to probs [N, C] and labels [N].
struct Rows {
  torch::Tensor probs, labels;
  std::size_t count, classes;

  Rows(const torch::Tensor& given_probs, const torch::Tensor& given_labels)
      : probs(given_probs.to(at::kDouble).contiguous()),
        labels(given_labels.contiguous()),
        count(static_cast<std::size_t>(labels.numel())),
        classes(static_cast<std::size_t>(probs.size(1))) {}

  std::span<const double> row(std::size_t i) const { return {probs.const_data_ptr<double>() + i * classes, classes}; }
  std::size_t label(std::size_t i) const { return static_cast<std::size_t>(labels.const_data_ptr<std::int64_t>()[i]); }
  std::size_t guess(std::size_t i) const {
    const std::span<const double> mine = row(i);
    return static_cast<std::size_t>(std::max_element(mine.begin(), mine.end()) - mine.begin());
  }
};

std::vector<std::int64_t> rows_by_label(const Rows& rows) {
  std::vector<std::int64_t> count(rows.classes);
  for (std::size_t i = 0; i < rows.count; ++i) ++count[rows.label(i)];
  return count;
}

std::vector<double> thresholds_of(const Rows& rows, const std::vector<std::int64_t>& count) {
  std::vector<double> thresholds(rows.classes);
  for (std::size_t i = 0; i < rows.count; ++i) thresholds[rows.label(i)] += rows.row(i)[rows.label(i)];
  for (std::size_t c = 0; c < rows.classes; ++c) {
    thresholds[c] =
        count[c] == 0 ? std::numeric_limits<double>::infinity() : thresholds[c] / static_cast<double>(count[c]);
  }
  return thresholds;
}

// The most probable of the classes whose threshold the row reaches; the number of classes if it reaches none.
std::size_t confident_class(std::span<const double> row, const std::vector<double>& thresholds) {
  std::size_t best = row.size();
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (row[c] >= thresholds[c] - kTie && (best == row.size() || row[c] > row[best])) best = c;
  }
  return best;
}

// Scales the counts to this total, in whole numbers: floors, then one more for the largest remainders.
std::vector<std::int64_t> scaled(const std::vector<std::int64_t>& counts, std::int64_t total) {
  const auto sum = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
  std::vector<std::int64_t> whole(counts.size());
  if (sum == 0) return whole;
  std::vector<double> remainder(counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double exact = static_cast<double>(counts[i]) / sum * static_cast<double>(total);
    whole[i] = static_cast<std::int64_t>(std::floor(exact + 1e-9));
    remainder[i] = exact - static_cast<double>(whole[i]);
  }
  std::vector<std::size_t> order(counts.size());
  std::iota(order.rbegin(), order.rend(), 0);  // of equal remainders the last
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return remainder[a] > remainder[b]; });
  std::int64_t missing = total - std::accumulate(whole.begin(), whole.end(), std::int64_t{0});
  for (std::size_t i = 0; missing > 0; ++i, --missing) ++whole[order[i % order.size()]];
  return whole;
}

// Marks the rows with the label `given` that speak most for `other`.
void mark(const Rows& rows, const std::vector<std::size_t>& of_label, std::size_t given, std::size_t other,
          std::int64_t count, std::vector<bool>& marked) {
  std::vector<std::size_t> order = of_label;
  const auto margin = [&](std::size_t i) { return rows.row(i)[other] - rows.row(i)[given]; };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return margin(a) > margin(b); });
  for (std::int64_t i = 0; i < std::min<std::int64_t>(count, std::int64_t(order.size())); ++i)
    marked[order[static_cast<std::size_t>(i)]] = true;
}

}  // namespace

LabelNoise estimate_noise(const torch::Tensor& probs, const torch::Tensor& labels) {
  const Rows rows(probs, labels);
  const std::vector<std::int64_t> count = rows_by_label(rows);
  LabelNoise noise{.thresholds = thresholds_of(rows, count)};
  std::vector<std::vector<std::int64_t>> confident(rows.classes, std::vector<std::int64_t>(rows.classes));
  for (std::size_t i = 0; i < rows.count; ++i) {
    const std::size_t sure = confident_class(rows.row(i), noise.thresholds);
    if (sure < rows.classes) ++confident[rows.label(i)][sure];
  }
  for (std::size_t c = 0; c < rows.classes; ++c) {
    confident[c][c] = std::max<std::int64_t>(1, confident[c][c]);
    noise.rows.push_back(scaled(confident[c], count[c]));
  }
  return noise;
}

std::vector<LabelIssue> find_label_issues(const torch::Tensor& probs, const torch::Tensor& labels,
                                          const LabelNoise& noise) {
  const Rows rows(probs, labels);
  std::vector<std::vector<std::size_t>> of_label(rows.classes);
  for (std::size_t i = 0; i < rows.count; ++i) of_label[rows.label(i)].push_back(i);
  std::vector<bool> marked(rows.count);
  for (std::size_t given = 0; given < rows.classes; ++given) {
    for (std::size_t other = 0; other < rows.classes; ++other) {
      if (other != given) mark(rows, of_label[given], given, other, noise.rows[given][other], marked);
    }
  }
  std::vector<LabelIssue> issues;
  for (std::size_t i = 0; i < rows.count; ++i) {
    if (!marked[i] || rows.guess(i) == rows.label(i)) continue;
    issues.push_back({.row = static_cast<std::int64_t>(i),
                      .suggested = static_cast<std::int64_t>(rows.guess(i)),
                      .confidence = rows.row(i)[rows.label(i)]});
  }
  std::stable_sort(issues.begin(), issues.end(),
                   [](const LabelIssue& a, const LabelIssue& b) { return a.confidence < b.confidence; });
  return issues;
}

}  // namespace pleat
