#include "run/memory_check.h"

#include <gmock/gmock.h>

namespace pleat {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// 1 GB that no batch changes, and 10 MB an image.
MemoryNeed need_for(std::int64_t images, std::int64_t micro_batches = 1) {
  return {.what = "training r18 for mask",
          .tensors = 1e9 + 1e7 * double(images),
          .least = 1e9,
          .per_image = 1e7,
          .images = images,
          .micro_batches = micro_batches};
}

std::string refusal(const MemoryNeed& need, double free, int ranks = 1) {
  try {
    require_memory(need, free, ranks, "node1");
  } catch (const ClusterError& error) {
    return error.what();
  }
  return "";
}

TEST(MemoryCheck, WhatFitsPasses) {
  EXPECT_EQ(refusal(need_for(64), 1.9e9), "");
  EXPECT_EQ(refusal(need_for(64), 1e15), "");
}

TEST(MemoryCheck, TheErrorGivesBothFiguresAndABatchThatFits) {
  const std::string text = refusal(need_for(2000), 16e9);
  EXPECT_THAT(text, AllOf(HasSubstr("training r18 for mask needs about 21.23 GB for 2000 images at once"),
                          HasSubstr("host node1 has 16.00 GB free; set train.batch=1024 (about 11.47 GB)")));
  EXPECT_EQ(refusal(need_for(1024), 16e9), "") << "the batch that it proposes";
}

TEST(MemoryCheck, ABatchOfSeveralPartsIsGivenWhole) {
  EXPECT_THAT(refusal(need_for(2000, 4), 16e9), HasSubstr("set train.batch=4096 (about 11.47 GB)"));
}

TEST(MemoryCheck, RanksShareTheirHost) {
  EXPECT_THAT(refusal(need_for(2000), 4e9, 4), AllOf(HasSubstr("has 4.00 GB free for each of its 4 ranks"),
                                                     HasSubstr(", or start fewer ranks on this host")));
}

TEST(MemoryCheck, NoBatchIsProposedWhereNoneFits) {
  EXPECT_THAT(refusal(need_for(2000), 1.1e9), HasSubstr("no batch fits: use a smaller network or smaller crops"));
  MemoryNeed predicting{.what = "predicting with r18", .tensors = 5e9, .least = 5e9};
  EXPECT_THAT(refusal(predicting, 1e9), HasSubstr("predicting with r18 needs about 5.23 GB, but host node1"));
  EXPECT_THAT(refusal(predicting, 1e9), testing::Not(HasSubstr("batch")));
}

TEST(MemoryCheck, SmallBatchesAreGivenToTheImage) {
  EXPECT_THAT(refusal(need_for(64), 1.38e9), HasSubstr("set train.batch=8 "));
  EXPECT_THAT(refusal(need_for(64), 1.36e9), HasSubstr("set train.batch=6 "));
}

}  // namespace
}  // namespace pleat
