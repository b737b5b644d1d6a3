#include "target/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace pleat {
namespace {

TEST(Target, ClassesOfNumbersSortAsNumbersAndOthersAsText) {
  EXPECT_THAT(resolve_target({.name = "label"}, {"10", "9", "2", "10"}).classes, testing::ElementsAre("2", "9", "10"));
  EXPECT_THAT(resolve_target({.name = "label"}, {"10", "9", "b"}).classes, testing::ElementsAre("10", "9", "b"));
}

TEST(Target, GivenClassesKeepTheirOrderAndEncodeByIt) {
  const Target target = resolve_target({.name = "mask", .column = "m", .classes = {"wear", "wrong", "none"}}, {"none"});
  EXPECT_EQ(target.column, "m");
  EXPECT_EQ(target.encode("wear"), 0);
  EXPECT_EQ(target.encode("none"), 2);
  EXPECT_EQ(target.encode("None"), -1);
}

TEST(Target, WhatCannotBeIsRefused) {
  EXPECT_THROW(resolve_target({.name = ""}, {"a", "b"}), UsageError);
  EXPECT_THROW(resolve_target({.name = "a/b"}, {"a", "b"}), UsageError);
  EXPECT_THROW(resolve_target({.name = "x", .classes = {"a", "a"}}, {}), UsageError);
  EXPECT_THROW(resolve_target({.name = "x"}, {"a", "a"}), DataError);
  std::vector<std::string> ids;
  for (int i = 0; i < 2000; ++i) ids.push_back("\x1B[2J\n" + std::to_string(i));
  try {
    resolve_target({.name = "id"}, ids);
    ADD_FAILURE() << "was accepted";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("2000 different labels (such as '\\x1B[2J\\n0')"));
  }
}

}  // namespace
}  // namespace pleat
