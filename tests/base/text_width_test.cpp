#include "base/text_width.h"

#include <gtest/gtest.h>

namespace pleat {
namespace {

TEST(TextWidth, CountsColumnsOfATerminal) {
  EXPECT_EQ(text_width(""), 0U);
  EXPECT_EQ(text_width("run 1"), 5U);
  EXPECT_EQ(text_width("Größe"), 5U);
  EXPECT_EQ(text_width("試行"), 4U) << "wide letters";
  EXPECT_EQ(text_width("e\u0301"), 1U) << "a combining accent";
  EXPECT_EQ(text_width("\xFF!"), 2U) << "not UTF-8";
}

TEST(TextWidth, PadsUpToAWidth) {
  EXPECT_EQ(padded("試", 4), "試  ");
  EXPECT_EQ(padded("longer", 3), "longer");
}

}  // namespace
}  // namespace pleat
