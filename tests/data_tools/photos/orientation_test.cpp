// Finds the orientation in every form in which EXIF and XMP give it. tests/parity/orientation_test.py compares with
// Pillow.
#include "data_tools/photos/orientation.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pleat {
namespace {

using namespace std::string_literals;

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

int by_exif(const std::string& exif, const std::string& xmp = "") {
  return orientation_of(bytes_of(exif), bytes_of(xmp));
}

// A number in little-endian order.
std::string le(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i);
  return text;
}

std::string entry(int tag, int type, std::uint32_t count, const std::string& value) {
  return le(std::uint64_t(tag), 2) + le(std::uint64_t(type), 2) + le(count, 4) + value +
         std::string(4 - value.size(), '\0');
}

std::string exif_of(const std::vector<std::string>& entries, const std::string& behind = "") {
  std::string exif = "II*\0\x08\0\0\0"s + le(entries.size(), 2);
  for (const std::string& each : entries) exif += each;
  return exif + std::string(4, '\0') + behind;
}

TEST(Orientation, IsThatOfEitherByteOrder) {
  for (int value = 0; value < 12; ++value) {
    const int expected = value >= 1 && value <= 8 ? value : 1;
    EXPECT_EQ(by_exif("MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0"s + char(value) + "\0\0\0\0\0\0"s), expected);
    EXPECT_EQ(by_exif(exif_of({entry(274, 3, 1, le(std::uint64_t(value), 2))})), expected);
    EXPECT_EQ(by_exif("Exif\0\0"s + exif_of({entry(274, 3, 1, le(std::uint64_t(value), 2))})), expected);
  }
}

TEST(Orientation, IsReadFromEveryTypeOfNumber) {
  for (const int type : {3, 4, 6, 8, 9, 13}) EXPECT_EQ(by_exif(exif_of({entry(274, type, 1, le(6, 1))})), 6) << type;
  for (const int type : {1, 2, 7, 0, 99}) EXPECT_EQ(by_exif(exif_of({entry(274, type, 1, le(6, 1))})), 1) << type;
  EXPECT_EQ(by_exif(exif_of({entry(274, 11, 1, le(0x40C00000, 4))})), 6) << "float";
  EXPECT_EQ(by_exif(exif_of({entry(274, 11, 1, le(0x40C00001, 4))})), 1) << "not whole";
  EXPECT_EQ(by_exif(exif_of({entry(274, 5, 1, le(26, 4))}, le(12, 4) + le(2, 4))), 6) << "rational";
  EXPECT_EQ(by_exif(exif_of({entry(274, 5, 1, le(26, 4))}, le(12, 4) + le(0, 4))), 1) << "divided by zero";
  EXPECT_EQ(by_exif(exif_of({entry(274, 9, 1, le(UINT32_MAX, 4))})), 1) << "negative";
  EXPECT_EQ(by_exif(exif_of({entry(274, 3, 2, le(6, 2) + le(3, 2))})), 6) << "the first of two";
}

TEST(Orientation, IsReadAsFarAsADirectoryReaches) {
  const std::string whole = exif_of({entry(271, 2, 4, "abc"), entry(274, 3, 1, le(6, 2)), entry(282, 3, 1, "")});
  for (std::size_t size = 0; size <= whole.size(); ++size)
    EXPECT_EQ(by_exif(whole.substr(0, size)), size >= 10 + 24 ? 6 : 1) << size;
  std::string more = whole;
  more[8] = 77;  // entries
  EXPECT_EQ(by_exif(more), 6);
  EXPECT_EQ(by_exif(exif_of({entry(270, 2, 5, le(900, 4)), entry(274, 3, 1, le(6, 2))})), 1) << "text out of reach";
  EXPECT_EQ(by_exif(exif_of({entry(270, 2, 900, le(9, 4)), entry(274, 3, 1, le(6, 2))})), 6) << "too long a text";
  EXPECT_EQ(by_exif(exif_of({entry(274, 99, 1, le(3, 2)), entry(274, 3, 1, le(6, 2)), entry(274, 3, 1, le(8, 2))})), 6)
      << "the first that can be read";
  EXPECT_EQ(by_exif("MM\0*\xFF\xFF\xFF\xFF"s), 1);
}

TEST(Orientation, IsThatOfXmpOnlyIfExifHasNone) {
  const std::string attribute = "<rdf:Description tiff:Orientation=\"6\"/>",
                    element = "<tiff:Orientation>6</tiff:Orientation>";
  for (const std::string& xmp : {attribute, element, "tiff:Orientation " + element}) {
    EXPECT_EQ(by_exif("", xmp), 6) << xmp;
    EXPECT_EQ(by_exif(exif_of({entry(271, 2, 4, "abc")}), xmp), 6) << xmp;
    EXPECT_EQ(by_exif("no EXIF at all", xmp), 6) << xmp;
    EXPECT_EQ(by_exif(exif_of({entry(274, 3, 1, le(3, 2))}), xmp), 3) << xmp;
    EXPECT_EQ(by_exif(exif_of({entry(274, 3, 1, le(0, 2))}), xmp), 1) << "a value without a meaning is a value";
  }
  for (const char* xmp :
       {"tiff:Orientation", "tiff:Orientation=", "tiff:Orientation='6'", "tiff:Orientation=\"", "tiff:Orientation>x"})
    EXPECT_EQ(by_exif("", xmp), 1) << xmp;
}

TEST(Orientation, OfARawProfileIsInItsDigits) {
  const std::string exif = exif_of({entry(274, 3, 1, le(6, 2))});
  std::string digits;
  for (const char c : exif) {
    const char* kDigits = "0123456789abcdef";
    const auto byte = static_cast<std::uint8_t>(c);
    digits += std::string{kDigits[byte / 16], kDigits[byte % 16]} + (digits.size() % 24 == 22 ? "\n" : "");
  }
  const std::vector<std::uint8_t> bytes = raw_profile("\nexif\n      26\n" + digits + "\n");
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), exif);
  EXPECT_TRUE(raw_profile("\nexif\n26\n4x").empty());
  EXPECT_TRUE(raw_profile("\nexif\n26\n4").empty());
  EXPECT_TRUE(raw_profile("4949").empty());
}

TEST(Orientation, FieldsOfBigTiffAreFound) {
  const std::string big = "II+\0\x08\0\0\0"s + le(16, 8) + le(1, 8) + le(274, 2) + le(3, 2) + le(1, 8) + le(6, 8);
  EXPECT_EQ(by_exif(big), 6);
  EXPECT_EQ(by_exif(big.substr(0, big.size() - 1)), 1);
  const auto field = field_bytes(bytes_of(exif_of({entry(700, 1, 3, "<x>")})), 700);
  ASSERT_TRUE(field);
  EXPECT_EQ(std::string(field->begin(), field->end()), "<x>");
}

}  // namespace
}  // namespace pleat
