#include "base/bytes.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace pleat {
namespace {

enum class Fruit { kApple, kPear = 7 };

struct Inner {
  double number = 0;
  std::optional<std::string> word;
  bool operator==(const Inner&) const = default;
  static constexpr auto members() { return std::tuple{&Inner::number, &Inner::word}; }
};

struct Outer {
  bool flag = false;
  Fruit fruit{};
  std::int64_t whole = 0;
  std::string text;
  std::vector<Inner> inner;
  std::vector<std::vector<int>> lists;
  std::map<std::tuple<int, std::string>, std::size_t> counts;
  bool operator==(const Outer&) const = default;
  static constexpr auto members() {
    return std::tuple{&Outer::flag,  &Outer::fruit, &Outer::whole, &Outer::text,
                      &Outer::inner, &Outer::lists, &Outer::counts};
  }
};

const Outer kOuter{.flag = true,
                   .fruit = Fruit::kPear,
                   .whole = std::numeric_limits<std::int64_t>::min(),
                   .text = std::string("a\0b\n", 4),
                   .inner = {{0.1, "word"}, {-0.0, std::nullopt}},
                   .lists = {{}, {1, 2, 3}},
                   .counts = {{{1, "x"}, 5}, {{1, "y"}, 6}}};

TEST(Bytes, AStructComesBackAsItWas) {
  EXPECT_EQ(from_bytes<Outer>(to_bytes(kOuter)), kOuter);
  EXPECT_EQ(from_bytes<Outer>(to_bytes(Outer{})), Outer{});
}

TEST(Bytes, NumbersKeepTheirBits) {
  EXPECT_TRUE(std::isnan(from_bytes<double>(to_bytes(std::nan("")))));
  EXPECT_EQ(from_bytes<double>(to_bytes(0.1 + 0.2)), 0.1 + 0.2);
  EXPECT_TRUE(std::signbit(from_bytes<double>(to_bytes(-0.0))));
}

TEST(Bytes, AMessageOfAnotherLengthIsRefused) {
  const std::string whole = to_bytes(kOuter);
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_THROW(from_bytes<Outer>(whole.substr(0, length)), ClusterError) << length;
  EXPECT_THROW(from_bytes<Outer>(whole + "x"), ClusterError);
}

TEST(Bytes, AListThatClaimsToBeHugeTakesNoMemory) {
  EXPECT_THROW(from_bytes<std::vector<int>>(to_bytes(std::numeric_limits<std::uint64_t>::max())), ClusterError);
  EXPECT_THROW(from_bytes<std::string>(to_bytes(std::uint64_t{1} << 60)), ClusterError);
}

}  // namespace
}  // namespace pleat
