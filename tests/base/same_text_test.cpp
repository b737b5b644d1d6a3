#include "base/same_text.h"

#include <gmock/gmock.h>

namespace pleat {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SameText, ReadsAlikeWhatPeopleReadAlike) {
  const std::vector<std::pair<std::string, std::string>> alike{
      {"p0", "p0 "},
      {"p0", "\tp0"},
      {"a b", "a   b"},
      {"Cat", "cat"},
      {"STRASSE", "straße"},
      {"cat", "cat\u00A0"},           // no-break space
      {"cat", "c\u200Bat"},           // zero-width space
      {"cat", "\uFEFFcat"},           // byte order mark
      {"cat", "c\u00ADat"},           // soft hyphen
      {"caf\u00E9", "cafe\u0301"},    // NFC and NFD
      {"\uFF23\uFF21\uFF34", "cat"},  // full width
      {"o\uFB03ce", "office"},        // ligature
      {"1", "1.0"},
      {"1", "01"},
      {"1", "+1."},
      {".5", "0.50"},
      {"a b", "a\u2028b"},
      {"ab", "a\u3164b"},  // Hangul filler
      {"ab", "ab\u2800"},  // braille blank
      {"ab",
       "a\x7f"
       "b"},
      {"-1", "\u22121"},    // minus
      {"a-b", "a\u2013b"},  // en dash
      {"it's", "it\u2019s"},
      {"a b", "a\u3000 b"},
      {"0", "-0.00"},
      {"-2.50", "-02.5"},
      {"\uFF11", "1"},
      {"12345678901234567890", "012345678901234567890"},
  };
  for (const auto& [a, b] : alike) EXPECT_EQ(reading_of(a), reading_of(b)) << a << " and " << b;
}

TEST(SameText, KeepsApartWhatReadsDifferently) {
  const std::vector<std::pair<std::string, std::string>> different{
      {"p0", "p1"},
      {"ab", "a b"},
      {"1", "10"},
      {"1", "1.5"},
      {"1", "-1"},
      {"cafe", "caf\u00E9"},
      {"1e3", "1000"},
      {"p1", "p01"},
      {".", "0"},
      {"1.2.3", "1.2.30"},
      {"-", "+"},
      {"", "0"},
      {"\u0430", "a"},                                   // Cyrillic a
      {"12345678901234567890", "12345678901234567891"},  // one double
  };
  for (const auto& [a, b] : different) EXPECT_NE(reading_of(a), reading_of(b)) << a << " and " << b;
}

TEST(SameText, BytesThatAreNoTextStayAsTheyAre) {
  EXPECT_EQ(reading_of("\xFFz"), "\xFFz");
  EXPECT_THAT(alike_values({"\xFFz", "\xFFZ"}), IsEmpty());
}

TEST(SameText, GroupsAlikeValuesInTheOrderOfTheTable) {
  EXPECT_THAT(alike_values({"b", "a", "B", "", " ", "b", "c", "b "}), ElementsAre(ElementsAre("b", "B", "b ")));
  EXPECT_THAT(alike_values({"b", "a", "b"}), IsEmpty());
  EXPECT_THAT(alike_values({}), IsEmpty());
}

TEST(SameText, AMessageShowsWhatTheEyeMisses) {
  EXPECT_EQ(quoted_pair({"cat", "cat\u00A0"}), "'cat' and 'cat\\u{A0}'");
  EXPECT_EQ(quoted_pair({"caf\u00E9", "cafe\u0301"}), "'caf\u00E9' and 'cafe\\u{301}'");
  EXPECT_EQ(quoted_pair({"p0", "p0 "}), "'p0' and 'p0 '");
  EXPECT_EQ(spelt_out("a\u200Bb\tc\u3164"), "a\\u{200B}b\\tc\\u{3164}");
}

}  // namespace
}  // namespace pleat
