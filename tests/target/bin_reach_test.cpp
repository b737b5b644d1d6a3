#include "target/bin_reach.h"

#include <gmock/gmock.h>

namespace pleat {
namespace {

TargetCode bins_of(std::vector<std::vector<double>> shares) {
  return {
      .teaching = Teaching::kBins, .classes = int(shares[0].size()), .outputs = int(shares.size()), .shares = shares};
}

TEST(BinReach, AClassThatIsTheLesserPartOfItsOnlyBinIsOutOfReach) {
  EXPECT_THAT(classes_out_of_reach(bins_of({{1, 0, 0}, {0, 1, 0}, {0, 0.7, 0.3}})), testing::ElementsAre(2));
  EXPECT_THAT(classes_out_of_reach(bins_of({{1, 0, 0}, {0, 1, 0}, {0, 0.3, 0.7}})), testing::IsEmpty());
}

TEST(BinReach, OfTwoBinsTheLesserPartOfBothMayWin) {
  // Half of each bin: 0.3, 0.4, 0.3.
  EXPECT_THAT(classes_out_of_reach(bins_of({{0.6, 0.4, 0}, {0, 0.4, 0.6}})), testing::IsEmpty());
}

TEST(BinReach, TwoNeighboursMayHideAClassTogether) {
  EXPECT_THAT(classes_out_of_reach(bins_of({{0.7, 0.3, 0}, {0, 0.3, 0.7}})), testing::ElementsAre(1));
  EXPECT_THAT(classes_out_of_reach(bins_of({{0.6, 0.4, 0}, {0, 0.2, 0.8}})), testing::ElementsAre(1));
  EXPECT_THAT(classes_out_of_reach(bins_of({{0.6, 0.4, 0}, {0, 1, 0}, {0, 0.2, 0.8}})), testing::IsEmpty());
}

TEST(BinReach, OfEqualSharesTheFirstClassWins) {
  EXPECT_THAT(classes_out_of_reach(bins_of({{0.5, 0.5}, {0.5, 0.5}})), testing::ElementsAre(1));
}

TEST(BinReach, AClassWithoutTrainingRowsIsNotTheBinsFault) {
  EXPECT_THAT(classes_out_of_reach(bins_of({{1, 0, 0}, {0, 1, 0}})), testing::IsEmpty());
}

TEST(BinReach, OnlyBinsHideClasses) {
  EXPECT_THAT(classes_out_of_reach({.teaching = Teaching::kClasses, .classes = 3, .outputs = 3}), testing::IsEmpty());
}

}  // namespace
}  // namespace pleat
