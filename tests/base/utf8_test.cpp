// Untrusted text: detection of UTF-8, and escaping in messages.
#include "base/utf8.h"

#include <gtest/gtest.h>

namespace pleat {
namespace {

using namespace std::string_literals;

TEST(Utf8, TextStandsInAMessageAsItIs) {
  for (const char* text : {"", "p1-front", "a, \"b\"; c", "größe 写真 📷", " blanks kept "})
    EXPECT_EQ(shown(text), text);
}

TEST(Utf8, WhatWouldBreakALineOrSteerATerminalIsSpelt) {
  EXPECT_EQ(shown("two\nlines"), "two\\nlines");
  EXPECT_EQ(shown("\x1B[2Jgone\r\t\0\x7F"s), "\\x1B[2Jgone\\x0D\\t\\x00\\x7F");
  EXPECT_EQ(shown("\xC2\x9B"
                  "2J"),
            "\\xC2\\x9B"
            "2J");
  EXPECT_EQ(shown("gr\xF6\xDF"), "gr\\xF6\\xDF");
}

TEST(Utf8, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(shown(std::string(200, 'x')), std::string(200, 'x'));
  EXPECT_EQ(shown(std::string(201, 'x')), std::string(200, 'x') + "…");
  EXPECT_EQ(shown("äöü", 3), "äö…");
}

TEST(Utf8, ManyNamesAreCounted) {
  EXPECT_EQ(shown_names({}), "");
  EXPECT_EQ(shown_names({"id", "two\nlines"}), "'id', 'two\\nlines'");
  EXPECT_TRUE(shown_names(std::vector<std::string>(1000, "x")).ends_with("'x', … and 970 more"));
}

}  // namespace
}  // namespace pleat
