#include "weight_formats/pickle.h"

#include <gmock/gmock.h>

#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "weight_formats/refusal.h"
#include "weight_formats/saved_weights.h"

namespace pleat {
namespace {

using namespace pickled;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kStorage = storage("FloatStorage", "0", 6);

std::string refusal(const std::string& pickle) {
  return refusal_of("net.pth", [&] { read_pickle(pickle, "net.pth"); });
}

TEST(Pickle, ReadsPlainData) {
  const Pickled read = read_pickle(whole(dict({{"epoch", "K\x07"},
                                               {"many", "M\x10\x27"},
                                               {"negative", "J\xff\xff\xff\xff"},
                                               {"long", integer(std::numeric_limits<std::int64_t>::min())},
                                               {"zero", std::string("\x8a\0", 2)},
                                               {"short", "\x8a\x01\xff"},
                                               {"loss", kHalf},
                                               {"done", "\x88"},
                                               {"best", kNone},
                                               {"arch", text("resnet18")},
                                               {"list", "](" + text("a") + text("b") + "e" + text("c") + "a"},
                                               {"pair", text("x") + kNone + "\x86"},
                                               {"none", ")"},
                                               {"dict", "}" + text("k") + "K\x01s"}})),
                                   "net.pth");
  const PickleValue& root = read[read.root];
  ASSERT_EQ(root.kind, PickleKind::kDict);
  ASSERT_EQ(root.items.size(), 28U);
  const auto value = [&](std::size_t i) { return read[root.items[2 * i + 1]]; };
  EXPECT_EQ(read[root.items[0]].text, "epoch");
  EXPECT_EQ(value(0).number, 7);
  EXPECT_EQ(value(1).number, 10000);
  EXPECT_EQ(value(2).number, -1);
  EXPECT_EQ(value(3).number, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(value(4).number, 0);
  EXPECT_EQ(value(5).number, -1);
  EXPECT_EQ(value(6).kind, PickleKind::kNumber);
  EXPECT_EQ(value(7).kind, PickleKind::kBool);
  EXPECT_EQ(value(8).kind, PickleKind::kNone);
  EXPECT_EQ(value(9).text, "resnet18");
  EXPECT_EQ(value(10).items.size(), 3U);
  EXPECT_EQ(value(11).items.size(), 2U);
  EXPECT_EQ(value(12).kind, PickleKind::kTuple);
  EXPECT_EQ(value(13).items.size(), 2U);
}

TEST(Pickle, ReadsTensorsAndParametersAndPassesOverMetadata) {
  const std::string weight = tensor(kStorage, 2, {2, 2}, {2, 1});
  const std::string parameter =
      name("torch._utils", "_rebuild_parameter") + tuple({tensor(kStorage, 0, {}, {}), "\x88", kOrdered}) + "R";
  const std::string metadata = "}" + text("_metadata") + dict({{"", "}" + text("version") + "K\x01s"}}) + "s" + "b";
  const Pickled read = read_pickle(whole(dict({{"w", weight}, {"p", parameter}}) + metadata), "net.pth");
  const PickleValue& root = read[read.root];
  ASSERT_EQ(root.items.size(), 4U);
  ASSERT_EQ(read.tensors.size(), 2U);
  EXPECT_EQ(read.tensors[0].offset, 2);
  EXPECT_THAT(read.tensors[0].shape, ElementsAre(2, 2));
  EXPECT_THAT(read.tensors[0].strides, ElementsAre(2, 1));
  EXPECT_EQ(read[root.items[3]].kind, PickleKind::kTensor);
  EXPECT_TRUE(read.tensors[1].shape.empty());
  const PickledStorage& stored = read.storages[read.tensors[1].storage];
  EXPECT_EQ(stored.key, "0");
  EXPECT_EQ(stored.dtype, "F32");
  EXPECT_EQ(stored.count, 6);
}

TEST(Pickle, WhatIsKeptComesBackAndMayHoldItself) {
  const std::string place = little(70000, 4);
  const Pickled read = read_pickle(whole("]q\x05r" + place + "h\x05" + "aj" + place + "a"), "net.pth");
  const PickleValue& list = read[read.root];
  EXPECT_THAT(list.items, ElementsAre(read.root, read.root));
}

struct Hostile {
  const char* what;
  std::string value;
  const char* message;
};

TEST(Pickle, EachHostilePickleIsRefusedByALineThatSaysWhat) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const std::string rebuild = name("torch._utils", "_rebuild_tensor_v2");
  const auto made = [](std::int64_t offset, const std::vector<std::int64_t>& shape,
                       const std::vector<std::int64_t>& strides) { return tensor(kStorage, offset, shape, strides); };
  std::vector<std::int64_t> ones(17, 1);
  const std::vector<Hostile> all{
      {"a command", name("os", "system") + text("touch /tmp/owned") + "\x85R", "names os.system, which does not"},
      {"a command by its other name", name("posix", "system") + tuple({text("id")}) + "R", "posix.system"},
      {"eval", name("__builtin__", "eval") + tuple({text("1")}) + "R", "__builtin__.eval"},
      {"a name that steers a terminal", name("os\x1b[2J", "x"), "os\\x1B[2J.x"},
      {"getattr inside a state dict", dict({{"w", name("builtins", "getattr")}}), "builtins.getattr"},
      {"a network", name("torchvision.models.resnet", "ResNet") + "q" + std::string(1, '\0') + ")\x81}b",
       "a whole network of class torchvision.models.resnet.ResNet"},
      {"a namespace in a checkpoint", dict({{"args", name("argparse", "Namespace") + ")\x81}b"}}),
       "argparse.Namespace"},
      {"an instance",
       "(i"
       "os\nsystem\n",
       "instruction 0x69"},
      {"a new object", ")\x81", "instruction 0x81"},
      {"an extension", "\x82\x01", "instruction 0x82"},
      {"a stack global", text("os") + text("system") + "\x93", "instruction 0x93"},
      {"a persistent text", "Pabc\n", "instruction 0x50"},
      {"a text of Python 2", "S'abc'\n", "instruction 0x53"},
      {"nothing", "", "pops from an empty stack"},
      {"two values", kNone + kNone, "ends with values left"},
      {"an open mark", "(" + kNone, "ends with values left"},
      {"no mark", kNone + "t", "pops from an empty stack"},
      {"a pop below a mark", kNone + "(\x85", "pops from an empty stack"},
      {"something behind the end", kNone + ".N", "bytes after its end"},
      {"what was not kept", "h\x05", "never wrote"},
      {"a list for a dict", "](" + text("k") + kNone + "u", "sets a key of a list"},
      {"a dict for a list", "}" + kNone + "a", "appends to a dict"},
      {"a key without a value", "}(" + text("k") + "u", "a key in it has no value"},
      {"a text of 4 GB",
       "X\xff\xff\xff\xff"
       "abc",
       "cut short"},
      {"a number of 9 bytes", "\x8a\x09" + std::string(9, '\1'), "more than 64 bits"},
      {"a call of a number", "K\x01)R", "calls a whole number"},
      {"a call of a storage's class", name("torch", "FloatStorage") + ")R", "in a way that torch.save does not write"},
      {"a call without a tuple", name("torch", "Size") + "K\x01R", "without a tuple"},
      {"a dict of pairs", name("collections", "OrderedDict") + tuple({"]"}) + "R", "collections.OrderedDict in a way"},
      {"attributes of a list", "]}b", "sets attributes of a list"},
      {"attributes that are a tuple", "})b", "attributes that are not a dict"},
      {"a tensor of nothing", rebuild + ")R", "_rebuild_tensor_v2 in a way"},
      {"a tensor of a text", rebuild + tuple({text("0"), "K\x01", ")", ")", kFalse, kOrdered}) + "R", "in a way"},
      {"other strides than sizes", made(0, {2, 3}, {1}), "more or fewer strides than sizes"},
      {"a size below zero", made(0, {-1}, {1}), "an invalid size or stride"},
      {"a stride below zero", made(5, {2}, {-1}), "an invalid size or stride"},
      {"an offset below zero", made(-1, {2}, {1}), "an invalid offset"},
      {"a size that is a text",
       rebuild + tuple({kStorage, integer(0), tuple({text("2")}), integers({1}), kFalse, kOrdered}) + "R",
       "an invalid size or stride"},
      {"a tensor behind its storage", made(6, {}, {}), "ends beyond its storage of 6 numbers"},
      {"a tensor at the end of all addresses", made(kMost, {}, {}), "ends beyond its storage of 6 numbers"},
      {"a tensor beyond its storage", made(1, {2, 3}, {3, 1}), "ends beyond its storage of 6 numbers"},
      {"strides beyond its storage", made(0, {2, 3}, {4, 1}), "ends beyond its storage of 6 numbers"},
      {"a number shown more often", made(0, {1000000, 1000000}, {0, 0}),
       "1000000000000 numbers, but its storage has 6"},
      {"sizes whose product wraps", made(0, {1LL << 32, 1LL << 32}, {0, 0}), "beyond what can be addressed"},
      {"sizes that wrap beside a zero", made(0, {0, 1LL << 32, 1LL << 32}, {1, 1, 1}), "beyond what can be addressed"},
      {"a stride that wraps", made(0, {3}, {kMost}), "beyond what can be addressed"},
      {"an offset that wraps", made(kMost, {2}, {1}), "beyond what can be addressed"},
      {"too many dimensions", made(0, ones, ones), "more than 16 dimensions"},
      {"a persistent number", "K\x01Q", "not a tensor's storage"},
      {"a persistent module",
       tuple({text("module"), name("torch", "FloatStorage"), text("0"), text("cpu"), "K\x01"}) + "Q",
       "not a tensor's storage"},
      {"a storage of a size below zero", storage("FloatStorage", "0", -1), "an invalid storage size"},
      {"a storage of no known numbers", storage("QInt8Storage", "0", 1), "torch.QInt8Storage"},
      {"a storage that is a dict",
       tuple({text("storage"), name("collections", "OrderedDict"), text("0"), text("cpu"), "K\x01"}) + "Q",
       "collections.OrderedDict as a storage"},
  };
  for (const Hostile& each : all) {
    SCOPED_TRACE(each.what);
    EXPECT_THAT(refusal(whole(each.value)), HasSubstr(each.message));
  }
}

TEST(Pickle, RefusesWhateverIsCutShortAndSurvivesAnyByte) {
  const std::string good =
      whole(dict({{"w", tensor(kStorage, 2, {2, 2}, {2, 1})}, {"epoch", integer(3)}, {"x", kHalf}}) + "}" +
            text("_metadata") + "}sb");
  EXPECT_NO_THROW(read_pickle(good, "net.pth"));
  for (std::size_t size = 0; size < good.size(); ++size) refusal(good.substr(0, size));
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const int change : {0x01, 0x80, 0xFF}) {
      std::string damaged = good;
      damaged[i] = static_cast<char>(damaged[i] ^ change);
      try {
        read_pickle(damaged, "net.pth");
      } catch (const DataError&) {
      }
    }
  }
}

TEST(Pickle, OtherProtocolsAreNamed) {
  EXPECT_THAT(refusal("\x80\x04\x95" + little(1, 8) + "N."), HasSubstr("protocol 4, but pleat reads only protocol 2"));
  EXPECT_THAT(refusal("(dp0\n."), HasSubstr("does not start with a protocol"));
}

TEST(Pickle, MillionsOfValuesAreRefused) {
  EXPECT_THAT(refusal("\x80\x02(" + std::string(5'000'000, ']') + "t."), HasSubstr("more than 4000000 values"));
}

}  // namespace
}  // namespace pleat
