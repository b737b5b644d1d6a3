#include "weight_formats/safetensors.h"

#include <gmock/gmock.h>

#include <limits>
#include <stdexcept>

#include "base/error.h"

namespace pleat {
namespace {

using testing::HasSubstr;

// Returns a file with that header and `size` bytes of data.
std::string file_of(const std::string& header, std::size_t size = 0) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i));
  return file + header + std::string(size, '\1');
}

// Returns a file whose header does not have the length that the file states.
std::string file_claiming(std::uint64_t length, const std::string& header) {
  std::string file = file_of(header);
  for (int i = 0; i < 8; ++i) file[static_cast<std::size_t>(i)] = static_cast<char>(length >> (8 * i));
  return file;
}

TensorToWrite tensor_of(const std::string& name, const std::string& dtype, const std::vector<std::int64_t>& shape,
                        const std::string& bytes) {
  return {name, dtype, shape, [bytes](std::string& file) { file += bytes; }};
}

const std::string kOne = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";

struct Malformed {
  const char* what;
  std::string file;
  const char* message;
};

std::vector<Malformed> malformed_files() {
  const auto tensor = [](const std::string& fields, std::size_t size = 8) {
    return file_of("{\"a\":{" + fields + "}}", size);
  };
  std::string ones;
  for (int i = 0; i < 64; ++i) ones += ",1";
  return {
      {"empty", "", "0 bytes, too few"},
      {"seven bytes", std::string(7, '\0'), "7 bytes, too few"},
      {"header longer than the file", file_claiming(1000, "{}"), "does not fit"},
      {"header of 2^64-1 bytes", file_claiming(std::numeric_limits<std::uint64_t>::max(), "{}"), "more than the"},
      {"no header", file_of(""), "does not start with '{'"},
      {"blank before the header", file_of(" {}"), "does not start with '{'"},
      {"a list", file_of("[]"), "does not start with '{'"},
      {"header cut off", file_of("{" + kOne), "not JSON"},
      {"text after the header", file_of("{" + kOne + "} x", 8), "not JSON"},
      {"zero byte after the header", file_of("{" + kOne + "}" + std::string("\0x", 2), 8), "zero byte"},
      {"not UTF-8", file_of("{\"\xFF\":{}}"), "not JSON"},
      {"a name twice", file_of("{" + kOne + "," + kOne + "}", 8), "'a' appears twice"},
      {"a field twice", tensor(R"("dtype":"F32","shape":[2],"dtype":"F32","data_offsets":[0,8])"), "twice"},
      {"metadata twice", file_of(R"({"__metadata__":{},"__metadata__":{}})"), "__metadata__ appears twice"},
      {"a metadata key twice", file_of(R"({"__metadata__":{"k":"1","k":"1"}})"), "'k' appears twice"},
      {"metadata that is no string", file_of(R"({"__metadata__":{"k":1}})"), "a number"},
      {"metadata that nests", file_of(R"({"__metadata__":{"k":{}}})"), "an object"},
      {"a tensor that is no object", file_of(R"({"a":[1]})"), "a list"},
      {"no dtype", tensor(R"("shape":[2],"data_offsets":[0,8])"), "no dtype"},
      {"no shape", tensor(R"("dtype":"F32","data_offsets":[0,8])"), "no shape"},
      {"no offsets", tensor(R"("dtype":"F32","shape":[2])"), "no data_offsets"},
      {"a field too many", tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1)"), "'x'"},
      {"a dtype of no one", tensor(R"("dtype":"F33","shape":[2],"data_offsets":[0,8])"), "dtype 'F33'"},
      {"a dtype that is a number", tensor(R"("dtype":32,"shape":[2],"data_offsets":[0,8])"), "a number"},
      {"a negative size", tensor(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), "a negative number"},
      {"half a size", tensor(R"("dtype":"F32","shape":[2.5],"data_offsets":[0,8])"), "not an integer"},
      {"a size beyond 64 bits", tensor(R"("dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8])"),
       "not an integer"},
      {"a size beyond 63 bits", tensor(R"("dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8])"),
       "too large"},
      {"sizes whose product wraps to 8 bytes",
       tensor(R"("dtype":"F32","shape":[4611686018427387905,2],"data_offsets":[0,8])"), "beyond what can be addressed"},
      {"a wrapping product beside a 0",
       tensor(R"("dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0])", 0),
       "beyond what can be addressed"},
      {"a shape that nests", tensor(R"("dtype":"F32","shape":[[2]],"data_offsets":[0,8])"), "a list"},
      {"one offset", tensor(R"("dtype":"F32","shape":[2],"data_offsets":[8])"), "other than two numbers"},
      {"three offsets", tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])"), "a third number"},
      {"offsets backwards", tensor(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"), "data_offsets [8, 0]"},
      {"offsets beyond the file", tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])", 4), "of 4 bytes"},
      {"a gap before the first", tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"), "data_offsets [4, 8]"},
      {"overlapping tensors", file_of("{" + kOne + R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12),
       "tensor 'b'"},
      {"data of no tensor", file_of("{" + kOne + "}", 9), "1 of its 9 data bytes"},
      {"fewer bytes than the shape needs", tensor(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"), "need 12"},
      {"another CRC", file_of("{\"__metadata__\":{\"crc32\":\"00000000\"}," + kOne + "}", 8), "CRC-32"},
      {"a hundred thousand brackets", file_of("{\"a\":" + std::string(100000, '[')), "a list"},
      {"a hundred thousand braces", file_of("{\"a\":{" + std::string(100000, '{')), "not JSON"},
      {"65 dimensions", tensor(R"("dtype":"U8","shape":[1)" + ones + R"(],"data_offsets":[0,1])", 1), "more than 64"},
  };
}

TEST(Safetensors, EachMalformedFileIsRefusedByALineThatNamesIt) {
  for (const Malformed& bad : malformed_files()) {
    SCOPED_TRACE(bad.what);
    try {
      parse_safetensors(bad.file, "fold_0/weights.safetensors");
      ADD_FAILURE() << "was accepted";
    } catch (const DataError& error) {
      const std::string line = error.what();
      EXPECT_THAT(line, testing::StartsWith("fold_0/weights.safetensors: "));
      EXPECT_THAT(line, HasSubstr(bad.message));
      EXPECT_EQ(line.find('\n'), std::string::npos);
    }
  }
}

TEST(Safetensors, AHostileNameIsShownOnOneShortLine) {
  const std::string name = "\\n\\u001b[31m" + std::string(5000, 'x');
  try {
    parse_safetensors(file_of("{\"" + name + "\":{}}"), "f");
    ADD_FAILURE() << "was accepted";
  } catch (const DataError& error) {
    const std::string line = error.what();
    EXPECT_LT(line.size(), 400U);
    EXPECT_EQ(line.find_first_of("\n\x1b"), std::string::npos);
  }
}

TEST(Safetensors, ANameIsNotCutInsideACharacter) {
  for (const char* lead : {"", "x", "xx"}) {
    std::string name = lead;
    for (int i = 0; i < 80; ++i) name += "€";
    try {
      parse_safetensors(file_of("{\"" + name + "\":{}}"), "f");
      ADD_FAILURE() << "was accepted";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr("€…'"));
    }
  }
}

TEST(Safetensors, FilesAtTheEdgeOfTheFormatAreRead) {
  EXPECT_TRUE(parse_safetensors(file_of("{}"), "f").tensors.empty());
  EXPECT_TRUE(parse_safetensors(file_of("{}      "), "f").tensors.empty()) << "blanks fill up the header";
  const auto scalar = parse_safetensors(file_of(R"({"s":{"dtype":"I64","shape":[],"data_offsets":[0,8]}})", 8), "f");
  ASSERT_EQ(scalar.tensors.size(), 1U);
  EXPECT_TRUE(scalar.tensors[0].shape.empty());
  const auto empty =
      parse_safetensors(file_of(R"({"n":{"dtype":"F32","shape":[0,3],"data_offsets":[8,8]},)" + kOne + "}", 8), "f");
  ASSERT_EQ(empty.tensors.size(), 2U);
  EXPECT_EQ(empty.tensors[0].name, "a") << "by offset";
  EXPECT_TRUE(empty.tensors[1].bytes.empty());
}

TEST(Safetensors, WhatIsWrittenIsReadBack) {
  const std::string floats(24, '\2'), counter(8, '\3'), flags("\1\0\1", 3);
  const std::string file =
      format_safetensors({tensor_of("w", "F32", {2, 3}, floats), tensor_of("flags \"odd\" näme", "BOOL", {3}, flags),
                          tensor_of("count", "I64", {}, counter)},
                         {{"epoch", "3"}, {"key", "a\nb"}});
  const auto parsed = parse_safetensors(file, "f");
  EXPECT_EQ(parsed.metadata.at("epoch"), "3");
  EXPECT_EQ(parsed.metadata.at("key"), "a\nb");
  EXPECT_EQ(parsed.metadata.at("crc32").size(), 8U);
  ASSERT_EQ(parsed.tensors.size(), 3U);
  EXPECT_EQ(parsed.tensors[0].name, "count") << "the widest items come first, aligned";
  EXPECT_EQ(parsed.tensors[1].bytes, floats);
  EXPECT_EQ(parsed.tensors[1].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(parsed.tensors[2].name, "flags \"odd\" näme");
  EXPECT_EQ(parsed.tensors[2].bytes, flags);
  EXPECT_EQ((parsed.tensors[0].bytes.data() - file.data()) % 8, 0);
}

TEST(Safetensors, TheSameInputGivesTheSameBytes) {
  const std::string data(16, '\7');
  const auto write = [&] {
    return format_safetensors({tensor_of("b", "F32", {4}, data), tensor_of("a", "F32", {4}, data)}, {{"k", "v"}});
  };
  EXPECT_EQ(write(), write());
}

TEST(Safetensors, EveryFlippedBitOfTheDataIsSeen) {
  const std::string data(12, '\5');
  const std::string file = format_safetensors({tensor_of("a", "U8", {12}, data)}, {});
  for (std::size_t bit = 0; bit < 8 * data.size(); ++bit) {
    std::string flipped = file;
    flipped[file.size() - data.size() + bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_THROW(parse_safetensors(flipped, "f"), DataError);
  }
}

TEST(Safetensors, AFileCutAnywhereIsRefused) {
  const std::string data(12, '\5');
  const std::string file = format_safetensors({tensor_of("a", "U8", {12}, data)}, {{"k", "v"}});
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_THROW(parse_safetensors(std::string_view(file).substr(0, size), "f"), DataError) << size;
  }
}

TEST(Safetensors, TwoTensorsOfOneNameAreNotWritten) {
  EXPECT_THROW(format_safetensors({tensor_of("a", "U8", {0}, ""), tensor_of("a", "U8", {0}, "")}, {}),
               std::invalid_argument);
}

TEST(Safetensors, BytesThatAreNotThoseOfTheShapeAreNotWritten) {
  EXPECT_THROW(format_safetensors({tensor_of("a", "F32", {2}, "1234567")}, {}), std::invalid_argument);
  EXPECT_THROW(format_safetensors({tensor_of("a", "F31", {2}, "12345678")}, {}), std::invalid_argument);
}

}  // namespace
}  // namespace pleat
