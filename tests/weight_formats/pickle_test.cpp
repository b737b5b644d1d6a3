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
      {"an instance",
       "(i"
       "os\nsystem\n",
       "instruction 0x69"},
      {"a new object of nothing", ")\x81", "pops from an empty stack"},
      {"a new object of a list", "])\x81", "calls a list"},
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
      {"a number of 4 GB", "\x8b\xff\xff\xff\xff", "cut short"},
      {"a size of 9 bytes",
       rebuild +
           tuple({kStorage, integer(0), tuple({"\x8a\x09" + std::string(9, '\1')}), integers({1}), kFalse, kOrdered}) +
           "R",
       "an invalid size or stride"},
      {"a pop of nothing", "0", "pops from an empty stack"},
      {"a copy of nothing", "2", "pops from an empty stack"},
      {"a dict of what are no pairs",
       name("collections", "OrderedDict") +
           tuple({"](K\x01K\x02"
                  "e"}) +
           "R",
       "collections.OrderedDict in a way"},
      {"a call of a number", "K\x01)R", "calls a whole number"},
      {"a call of a storage's class", name("torch", "FloatStorage") + ")R", "in a way that torch.save does not write"},
      {"a call without a tuple", name("torch", "Size") + "K\x01R", "without a tuple"},
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
      {"a storage that is a dict",
       tuple({text("storage"), name("collections", "OrderedDict"), text("0"), text("cpu"), "K\x01"}) + "Q",
       "collections.OrderedDict as a storage"},
  };
  for (const Hostile& each : all) {
    SCOPED_TRACE(each.what);
    EXPECT_THAT(refusal(whole(each.value)), HasSubstr(each.message));
  }
}

struct Foreign {
  const char* what;
  std::string value;
  const char* name;
};

TEST(Pickle, ObjectsOfOtherClassesAreSkippedUnread) {
  const std::string space = name("argparse", "Namespace") + ")\x81";
  const std::vector<Foreign> all{
      {"a command", name("os", "system") + text("touch /tmp/owned") + "\x85R", "os.system"},
      {"eval", name("__builtin__", "eval") + tuple({text("1")}) + "R", "__builtin__.eval"},
      {"a name alone", name("builtins", "getattr"), "builtins.getattr"},
      {"an object with attributes", space + "}" + text("lr") + kHalf + "s" + "b", "argparse.Namespace"},
      {"an object with a state that is no dict", space + tuple({kNone, "}"}) + "b", "argparse.Namespace"},
      {"a call of what a call gave", name("functools", "partial") + ")R)R", "functools.partial"},
      {"a dict of another class",
       name("collections", "defaultdict") + tuple({name("builtins", "int")}) + "R(" + text("a") + "K\x01u",
       "collections.defaultdict"},
      {"a list of another class",
       name("collections", "deque") + ")R(K\x01K\x02"
                                      "e",
       "collections.deque"},
      {"a tensor of quantized numbers", tensor(storage("QInt8Storage", "0", 6), 0, {6}, {1}), "torch.QInt8Storage"},
      {"a parameter of a foreign tensor",
       name("torch._utils", "_rebuild_parameter") + tuple({name("my", "Tensor") + ")R", "\x88", kOrdered}) + "R",
       "my.Tensor"},
      {"a module of an old whole network",
       tuple({text("module"), name("nets", "Net"), text("nets.py"), text("class Net")}) + "Q", "nets.Net"},
  };
  for (const Foreign& each : all) {
    SCOPED_TRACE(each.what);
    const std::string state = dict({{"w", tensor(kStorage, 0, {6}, {1})}});
    const Pickled read = read_pickle(
        whole(dict({{"before", each.value}, {"state", state}, {"seed", "\x8a\x09" + std::string(9, '\1')}})),
        "net.pth");
    const PickleValue& root = read[read.root];
    ASSERT_EQ(root.items.size(), 6U);
    ASSERT_EQ(read[root.items[1]].kind, PickleKind::kForeign);
    const PickledForeign& skipped = read.foreign[static_cast<std::size_t>(read[root.items[1]].number)];
    EXPECT_EQ(skipped.name, each.name);
    EXPECT_FALSE(skipped.network);
    EXPECT_EQ(read[read[root.items[3]].items[1]].kind, PickleKind::kTensor);
    EXPECT_EQ(read[root.items[5]].kind, PickleKind::kNumber) << "no size of a tensor";
  }
}

TEST(Pickle, AModulesAttributesTellAWholeNetwork) {
  const std::string attributes = "}(" + text("training") + "\x88" + text("_modules") + kOrdered + "u";
  const Pickled read = read_pickle(whole(name("nets", "Net") + ")\x81" + attributes + "b"), "net.pth");
  ASSERT_EQ(read[read.root].kind, PickleKind::kForeign);
  EXPECT_TRUE(read.foreign.at(0).network);
}

TEST(Pickle, ReadsWhatPython2Wrote) {
  const std::string key = "U\x01w", pair = "](" + key + tensor(kStorage, 0, {6}, {1}) + "e";
  const std::string old =
      name("torch._utils", "_rebuild_tensor") + tuple({kStorage, integer(2), integers({4}), integers({1})}) + "R";
  const Pickled read = read_pickle(
      whole(name("collections", "OrderedDict") + tuple({"](" + pair + "](T" + little(1, 4) + "v" + old + "ee"}) + "R"),
      "net.pth");
  const PickleValue& root = read[read.root];
  ASSERT_EQ(root.items.size(), 4U);
  EXPECT_EQ(read[root.items[0]].text, "w");
  EXPECT_EQ(read[root.items[2]].text, "v");
  EXPECT_EQ(read.tensors.at(1).offset, 2);
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
  std::string again = "](" + kNone + kNone + "eq\x01](";  // a list of a thousand pairs, as a dict ten thousand times
  for (int i = 0; i < 1000; ++i) again += "h\x01";
  again += "e\x85q\x02";
  for (int i = 0; i < 10'000; ++i) again += name("collections", "OrderedDict") + "h\x02R";
  EXPECT_THAT(refusal("\x80\x02" + again + "."), HasSubstr("more than 4000000 values"));
}

}  // namespace
}  // namespace pleat
