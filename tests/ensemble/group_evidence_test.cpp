#include "ensemble/group_evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/random.h"

namespace pleat {
namespace {

using ::testing::ElementsAre;

torch::Tensor random_probs(std::int64_t rows, std::int64_t classes, RandomStream& random) {
  torch::Tensor probs = torch::empty({rows, classes}, torch::kFloat64);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t c = 0; c < classes; ++c) probs[i][c] = std::exp(4 * random.uniform());
  }
  return probs / probs.sum(1, true);
}

RowGroups one_group(std::int64_t rows) { return group_rows(std::vector<std::int64_t>(std::size_t(rows), 0)); }

// All assignments of rows to classes that have places, with their probabilities.
void each_assignment(const torch::Tensor& probs, std::vector<std::int64_t> places,
                     const std::function<void(const std::vector<std::int64_t>&, double)>& visit) {
  std::vector<std::int64_t> labels;
  const std::function<void(double)> extend = [&](double weight) {
    const auto row = static_cast<std::int64_t>(labels.size());
    if (row == probs.size(0)) return visit(labels, weight);
    for (std::int64_t c = 0; c < probs.size(1); ++c) {
      if (places[std::size_t(c)] == 0) continue;
      --places[std::size_t(c)];
      labels.push_back(c);
      extend(weight * probs[row][c].item<double>());
      labels.pop_back();
      ++places[std::size_t(c)];
    }
  };
  extend(1);
}

TEST(RowGroups, HoldTheirRowsInOrder) {
  const RowGroups groups = group_rows({4, 1, 4, 0, 1, 4});
  ASSERT_EQ(groups.count(), 3);
  EXPECT_THAT(std::vector(groups.first(0), groups.first(0) + groups.size(0)), ElementsAre(0, 2, 5));
  EXPECT_THAT(std::vector(groups.first(1), groups.first(1) + groups.size(1)), ElementsAre(1, 4));
  EXPECT_THAT(std::vector(groups.first(2), groups.first(2) + groups.size(2)), ElementsAre(3));
  EXPECT_EQ(group_rows(std::vector<std::int64_t>{}).count(), 0);
}

TEST(Composition, EqualsBruteForceOnRandomPersons) {
  RandomStream random({.seed = 3});
  for (int person = 0; person < 200; ++person) {
    const std::int64_t classes = 2 + random.below(3);
    std::vector<std::int64_t> places;
    std::int64_t total = 0;
    for (std::int64_t c = 0; c < classes; ++c) total += places.emplace_back(random.below(c == 0 ? 5 : 3));
    if (total == 0) continue;
    const std::int64_t rows = random.below(2) == 0 ? total : 1 + random.below(static_cast<std::uint32_t>(total));
    const torch::Tensor probs = random_probs(rows, classes, random);
    torch::Tensor expected = torch::zeros({rows, classes}, torch::kFloat64);
    std::vector<std::int64_t> best;
    double most = -1, whole = 0;
    each_assignment(probs, places, [&](const std::vector<std::int64_t>& labels, double weight) {
      if (weight > most * (1 + 1e-12)) most = weight, best = labels;
      whole += weight;
      for (std::int64_t i = 0; i < rows; ++i) expected[i][labels[std::size_t(i)]] += weight;
    });
    const Belief belief = composed_belief(probs, one_group(rows), {places});
    const auto* labels = belief.labels.const_data_ptr<std::int64_t>();
    EXPECT_EQ(std::vector<std::int64_t>(labels, labels + rows), best) << person;
    EXPECT_TRUE(belief.probs.allclose(expected / whole, 1e-9, 1e-12)) << person;
  }
}

TEST(Composition, OfManyGroupsIsThatOfEachAlone) {
  RandomStream random({.seed = 4});
  const std::vector<std::vector<std::int64_t>> kinds{{5, 1, 1}, {2, 2, 2}};
  std::vector<std::int64_t> group_of;
  std::vector<std::vector<std::int64_t>> places;
  for (int group = 0; group < 60; ++group) {  // runs of equal places and sizes, longer and shorter than a batch
    places.push_back(kinds[std::size_t(group / 13 % 2)]);
    const std::int64_t size = group % 11 == 10 ? 3 : 6;
    group_of.insert(group_of.end(), std::size_t(size), group);
  }
  const torch::Tensor probs = random_probs(std::int64_t(group_of.size()), 3, random);
  const RowGroups groups = group_rows(group_of);
  const Belief all = composed_belief(probs, groups, places);
  for (std::int64_t group = 0; group < groups.count(); ++group) {
    const std::int64_t first = *groups.first(group), last = first + groups.size(group);
    const Belief alone =
        composed_belief(probs.slice(0, first, last), one_group(last - first), {places[std::size_t(group)]});
    EXPECT_TRUE(alone.labels.equal(all.labels.slice(0, first, last))) << group;
    EXPECT_TRUE(alone.probs.equal(all.probs.slice(0, first, last))) << group;
  }
}

TEST(Composition, OfImpossibleRowsStaysInRange) {
  // Every row is sure of class 0, which has one place: all assignments have tiny weights.
  const torch::Tensor probs = torch::tensor({1.0, 0.0}, torch::kFloat64).expand({40, 2}).contiguous();
  const Belief belief = composed_belief(probs, one_group(40), {{1, 39}});
  EXPECT_TRUE(belief.probs.allclose(torch::tensor({1.0 / 40, 39.0 / 40}, torch::kFloat64).expand({40, 2})));
  EXPECT_EQ(belief.labels.sum().item<std::int64_t>(), 39);
}

TEST(Composition, OfManyRowsStaysInRange) {
  const torch::Tensor probs = torch::full({300, 2}, 1e-9, torch::kFloat64);
  const Belief belief = composed_belief(probs, one_group(300), {{200, 100}});
  EXPECT_TRUE(belief.probs.allclose(torch::tensor({2.0 / 3, 1.0 / 3}, torch::kFloat64).expand({300, 2})));
  EXPECT_EQ(belief.labels.sum().item<std::int64_t>(), 100);
}

TEST(Composition, PrefersTheJointlyMostProbableToEachRowsOwn) {
  // Both rows look most like class 0, which has one place.
  const torch::Tensor probs = torch::tensor({0.9, 0.1, 0.6, 0.4}, torch::kFloat64).reshape({2, 2});
  const Belief belief = composed_belief(probs, one_group(2), {{1, 1}});
  EXPECT_EQ(belief.labels[0].item<std::int64_t>(), 0);
  EXPECT_EQ(belief.labels[1].item<std::int64_t>(), 1);
  EXPECT_NEAR(belief.confidence(0), 0.36 / 0.42, 1e-12);
  EXPECT_EQ(belief.evidence[0], Evidence::kComposition);
}

TEST(ConstantClass, PoolsTheGroupsPhotos) {
  const torch::Tensor probs = torch::tensor({0.6, 0.4, 0.1, 0.9, 0.5, 0.5}, torch::kFloat64).reshape({3, 2});
  const Belief belief = constant_belief(probs, group_rows({7, 7, 2}), {-1, -1});
  const double one = std::sqrt(0.6 * 0.1), other = std::sqrt(0.4 * 0.9);
  for (int row : {0, 1}) {
    EXPECT_EQ(belief.labels[row].item<std::int64_t>(), 1);
    EXPECT_NEAR(belief.confidence(row), other / (one + other), 1e-12);
  }
  EXPECT_NEAR(belief.confidence(2), 0.5, 1e-12);
  EXPECT_EQ(belief.evidence[2], Evidence::kGroup);
}

TEST(ConstantClass, AKnownLabelOutweighsAllPhotos) {
  const torch::Tensor probs = torch::tensor({0.9, 0.1, 0.9, 0.1}, torch::kFloat64).reshape({2, 2});
  const Belief belief = constant_belief(probs, group_rows({0, 1}), {1, -1});
  EXPECT_EQ(belief.labels[0].item<std::int64_t>(), 1);
  EXPECT_DOUBLE_EQ(belief.confidence(0), 1.0);
  EXPECT_EQ(belief.evidence[0], Evidence::kKnown);
  EXPECT_EQ(belief.labels[1].item<std::int64_t>(), 0);
}

TEST(ConstantClass, SurvivesCertainProbabilities) {
  const torch::Tensor probs = torch::tensor({1.0, 0.0, 0.0, 1.0}, torch::kFloat64).reshape({2, 2});
  EXPECT_TRUE(constant_belief(probs, one_group(2), {-1}).probs.isfinite().all().item<bool>());
}

}  // namespace
}  // namespace pleat
