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

TEST(Target, EdgesCutNumbersIntoClasses) {
  const Target target =
      resolve_target({.name = "age", .edges = {30, 60}, .train_edges = {30, 58}}, {"18", "59.5", "60"});
  EXPECT_THAT(target.classes, testing::ElementsAre("below 30", "30 to 60", "from 60"));
  for (const auto& [label, code, taught] : std::vector<std::tuple<const char*, int, int>>{
           {"29.9", 0, 0}, {"30", 1, 1}, {"58", 1, 2}, {"60", 2, 2}, {"old", -1, -1}, {"", -1, -1}, {"nan", -1, -1}}) {
    EXPECT_EQ(target.encode(label), code) << label;
    EXPECT_EQ(target.taught(label), taught) << label;
  }
  EXPECT_EQ(resolve_target({.name = "age", .edges = {30}, .bins = 5}, {"18", "60"}).outputs(), 5);
  EXPECT_EQ(resolve_target({.name = "age", .edges = {30}, .regress = true}, {"18", "60"}).outputs(), 2);
}

TEST(Target, NumbersThatCannotBeAreRefused) {
  const std::vector<std::string> ages{"18", "40", "70"};
  const auto refused = [&](const TargetConfig& config, const char* what) {
    try {
      resolve_target(config, ages);
      ADD_FAILURE() << what << " was accepted";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(what));
      EXPECT_THAT(error.what(), testing::HasSubstr("age"));
    }
  };
  refused({.name = "age", .bins = 11}, "bins");
  refused({.name = "age", .regress = true}, "regress");
  refused({.name = "age", .bin_spread = 1}, "bin_spread");
  refused({.name = "age", .train_edges = {30}}, "train_edges");
  refused({.name = "age", .edges = {60, 30}}, "each above the one before");
  refused({.name = "age", .edges = {30, 60}, .train_edges = {30}}, "one for each edge");
  refused({.name = "age", .classes = {"a", "b"}, .edges = {30, 60}}, "make 3 classes");
  refused({.name = "age", .edges = {30, 60}, .bins = 1}, "one bin");
  refused({.name = "age", .edges = {30, 60}, .bins = 5, .regress = true}, "two ways");
  refused({.name = "age", .edges = {30, 60}, .bin_spread = 1}, "needs bins");
  refused({.name = "age", .edges = {30, 80}}, "80, but column age runs from 18 to 70");
  refused({.name = "age", .edges = {18, 60}}, "18, but column age runs from 18 to 70");
  refused({.name = "age", .edges = {30}, .train_edges = {90}}, "train_edges has 90");
  EXPECT_THROW(resolve_target({.name = "age", .edges = {30}}, {"18", "forty"}), DataError);
}

}  // namespace
}  // namespace pleat
