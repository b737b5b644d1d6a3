#include "weight_formats/state_dict.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "weight_formats/refusal.h"
#include "weight_formats/saved_weights.h"

namespace pleat {
namespace {

using namespace pickled;
using testing::AllOf;
using testing::HasSubstr;

const std::string kBytes = "aaaabbbbccccddddeeeeffff";  // six float32

std::string refusal(const std::string& archive) {
  return refusal_of("net.pth", [&] { read_state_dict(archive, "net.pth"); });
}

std::string of(std::int64_t offset, const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides,
               const std::string& key = "0") {
  return tensor(storage("FloatStorage", key, 6), offset, shape, strides);
}

// Four kilobytes took a minute when each way to a dict was searched.
TEST(StateDict, ADictThatHoldsItselfUnderManyUsualKeysIsSearchedOnce) {
  std::string pickle = std::string("}q\0(", 4);
  for (int i = 0; i < 20'000; ++i) pickle += text("model") + std::string("h\0", 2);
  EXPECT_THAT(refusal(saved(pickle + "u", {})), HasSubstr("'model' in it is a dict, not a tensor"));
}

TEST(StateDict, TensorsComeInTheFilesOrderWhateverTheirStrides) {
  const std::string archive = saved(dict({{"w", of(0, {2, 3}, {3, 1})},
                                          {"turned", of(0, {3, 2}, {1, 3})},
                                          {"column", of(1, {2}, {3})},
                                          {"last", of(5, {}, {})},
                                          {"one", of(2, {1, 3}, {7, 1})},
                                          {"none", of(6, {0, 4}, {4, 1})},
                                          {"count", tensor(storage("LongStorage", "1", 1), 0, {}, {})}}),
                                    {kBytes, "12345678"});
  const StateDict read = read_state_dict(archive, "net.pth");
  const std::vector<std::pair<std::string, std::string>> expected{
      {"w", kBytes},           {"turned", "aaaaddddbbbbeeeeccccffff"},
      {"column", "bbbbeeee"},  {"last", "ffff"},
      {"one", "ccccddddeeee"}, {"none", ""},
      {"count", "12345678"}};
  ASSERT_EQ(read.tensors.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(read.tensors[i].name, expected[i].first);
    EXPECT_EQ(read.tensors[i].bytes, expected[i].second) << expected[i].first;
  }
  EXPECT_THAT(read.tensors[5].shape, testing::ElementsAre(0, 4));
  EXPECT_EQ(read.tensors[6].dtype, "I64");
  EXPECT_EQ(read.wrapper, "");
}

TEST(StateDict, ACheckpointsStateDictIsTakenWhereverTheRestIsData) {
  const std::string state = dict({{"w", of(0, {6}, {1})}});
  for (const std::string key : {"state_dict", "model", "model_state_dict"}) {
    const StateDict read = read_state_dict(
        saved(dict({{"epoch", integer(3)}, {key, state}, {"loss", kHalf}, {"optimizer", dict({{"state", "}"}})}}),
              {kBytes}),
        "net.pth");
    EXPECT_EQ(read.wrapper, key);
    ASSERT_EQ(read.tensors.size(), 1U);
    EXPECT_EQ(read.tensors[0].bytes, kBytes);
  }
  EXPECT_THAT(refusal(saved(dict({{"model", state}, {"state_dict", state}}), {kBytes})),
              HasSubstr("weights under model and state_dict"));
  EXPECT_THAT(refusal(saved(dict({{"weights", state}}), {kBytes})),
              HasSubstr("'weights' in it is a dict, not a tensor"));
  EXPECT_THAT(refusal(saved(dict({{"w", of(0, {6}, {1})}, {"model", kNone}}), {kBytes})),
              HasSubstr("'model' in it is nothing, not a tensor"));
  EXPECT_THAT(refusal(saved("]", {})), HasSubstr("a list in place of a state dict"));
  EXPECT_THAT(refusal(saved(of(0, {6}, {1}), {kBytes})), HasSubstr("a tensor in place of a state dict"));
}

TEST(StateDict, ObjectsBesideTheWeightsAreSkippedAndAmongThemRefused) {
  const std::string state = dict({{"w", of(0, {6}, {1})}});
  const std::string space = name("argparse", "Namespace") + ")\x81}" + text("lr") + kHalf + "sb";
  const std::string network = name("nets", "Net") + ")\x81}" + text("_modules") + kOrdered + "sb";
  const StateDict read = read_state_dict(
      saved(dict({{"args", space}, {"state_dict", state}, {"run", name("os", "system") + ")R"}}), {kBytes}), "net.pth");
  EXPECT_EQ(read.tensors.at(0).bytes, kBytes);
  EXPECT_THAT(refusal(saved(dict({{"w", of(0, {6}, {1})}, {"x", space}}), {kBytes})),
              AllOf(HasSubstr("'x' in it names argparse.Namespace"), HasSubstr("ran nothing from it")));
  EXPECT_THAT(refusal(saved(name("os\x1b[2J", "x"), {})), HasSubstr("os\\x1B[2J.x"));
  EXPECT_THAT(refusal(saved(network, {})), HasSubstr("a whole network of class nets.Net"));
  EXPECT_THAT(refusal(saved(dict({{"epoch", integer(3)}, {"model", network}}), {})),
              HasSubstr("'model' in it is a whole network of class nets.Net"));
}

TEST(StateDict, TheUsualKeysMayNestAndOthersAreMentioned) {
  const std::string state = dict({{"w", of(0, {6}, {1})}}), other = dict({{"v", of(0, {6}, {1})}});
  const StateDict nested = read_state_dict(
      saved(dict({{"ema", dict({{"module", state}, {"updates", integer(7)}})}, {"model", kNone}}), {kBytes}), "f");
  EXPECT_EQ(nested.wrapper, "ema.module");
  const StateDict first = read_state_dict(
      saved(dict({{"state_dict", state}, {"state_dict_ema", other}, {"none", dict({})}}), {kBytes}), "f");
  EXPECT_EQ(first.tensors.at(0).name, "w");
  EXPECT_THAT(first.others, testing::ElementsAre("state_dict_ema"));
  for (const char* key : {"net", "module", "model_state"})
    EXPECT_EQ(read_state_dict(saved(dict({{key, state}}), {kBytes}), "f").wrapper, key);
  EXPECT_THAT(refusal(saved(dict({{"ema", dict({{"module", state}})}, {"net", other}}), {kBytes})),
              AllOf(HasSubstr("weights under ema.module and net"), HasSubstr("torch.load(FILE)['ema']['module']")));
  const std::string endless = kOrdered + "q\x01(" + text("model") + "h\x01u";
  EXPECT_THAT(refusal(saved(endless, {})), HasSubstr("'model' in it is a dict, not a tensor"));
}

// As torch.save writes with _use_new_zipfile_serialization=False.
std::string old_save(const std::string& value, const std::vector<std::pair<std::string, std::string>>& storages,
                     const std::string& little_endian = "\x88") {
  std::string keys = "](", numbers;
  for (const auto& [key, bytes] : storages) {
    keys += text(key);
    numbers += little(bytes.size() / 4, 8) + bytes;
  }
  return std::string("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.") +
         whole("}(" + text("protocol_version") + integer(1001) + text("little_endian") + little_endian + "u") +
         whole(value) + whole(keys + "e") + numbers;
}

std::string old_tensor(const std::string& key, std::int64_t count) {
  const std::string stored =
      tuple({text("storage"), name("torch", "FloatStorage"), text(key), text("cpu"), integer(count), kNone}) + "Q";
  return tensor(stored, 0, {count}, {1});
}

TEST(StateDict, FilesFromBeforePyTorch16AreRead) {
  const std::string state = dict({{"w", old_tensor("94", 6)}, {"v", old_tensor("95", 1)}});
  const StateDict read = read_state_dict(old_save(state, {{"95", "zzzz"}, {"94", kBytes}}), "net.pth");
  EXPECT_EQ(read.tensors.at(0).bytes, kBytes);
  EXPECT_EQ(read.tensors.at(1).bytes, "zzzz");
  const auto of_checkpoint = read_state_dict(old_save(dict({{"net", state}}), {{"95", "zzzz"}, {"94", kBytes}}), "f");
  EXPECT_EQ(of_checkpoint.wrapper, "net");
}

TEST(StateDict, OldFilesThatAreDamagedAreRefused) {
  const std::string state = dict({{"w", old_tensor("94", 6)}});
  const std::string good = old_save(state, {{"94", kBytes}});
  EXPECT_EQ(read_state_dict(good, "f").tensors.at(0).bytes, kBytes);
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_THROW(read_state_dict(std::string_view(good).substr(0, size), "f"), DataError) << size;
  EXPECT_THAT(refusal(good + "x"), HasSubstr("1 bytes follow its storages"));
  EXPECT_THAT(refusal(old_save(state, {{"94", kBytes}}, kFalse)), HasSubstr("another byte order"));
  EXPECT_THAT(refusal(old_save(state, {{"93", kBytes}})), HasSubstr("'93' belongs to no tensor"));
  EXPECT_THAT(refusal(old_save(state, {})), HasSubstr("its storage '94' is missing"));
  EXPECT_THAT(refusal(old_save(state, {{"94", kBytes}, {"94", kBytes}})), HasSubstr("has '94' twice"));
  EXPECT_THAT(refusal(old_save(state, {{"94", "zzzz"}})), HasSubstr("has 4 bytes, expected 6 numbers of type F32"));
  std::string endless = good;
  endless.replace(good.size() - kBytes.size() - 8, 8, std::string(8, '\x7f'));
  EXPECT_THAT(refusal(endless), HasSubstr("cut short"));
  std::string version = good;
  version[version.find("M\xe9\x03") + 1] = '\xea';
  EXPECT_THAT(refusal(version), HasSubstr("version is not 1001"));
}

TEST(StateDict, ArchivesOfOtherKindsAreNamedWithWhatToDo) {
  const std::string good = whole(dict({{"w", of(0, {6}, {1})}}));
  EXPECT_THAT(refusal(zip({{"net/data.pkl", good}, {"net/code/__torch__.py", ""}, {"net/constants.pkl", ""}})),
              AllOf(HasSubstr("a TorchScript network"), HasSubstr("script:")));
  EXPECT_THAT(refusal(zip({{"word/document.xml", "<x/>"}})), HasSubstr("without data.pkl"));
  EXPECT_THAT(refusal(zip({{"a/data.pkl", good}, {"b/data.pkl", good}})), HasSubstr("more than one folder"));
  EXPECT_THAT(refusal(zip({{"a/data.pkl", good, 8}})), HasSubstr("'data.pkl' in it is compressed"));
  EXPECT_THAT(refusal(saved(dict({}), {}, "big")), HasSubstr("another byte order ('big')"));
  EXPECT_THAT(refusal(saved(name("os", "system") + text("id") + "\x85R", {})), HasSubstr("os.system"));
}

TEST(StateDict, StoragesThatAreNotAsThePickleSaysAreRefused) {
  const std::string state = dict({{"w", of(0, {6}, {1})}});
  EXPECT_THAT(refusal(saved(state, {})), HasSubstr("its storage '0' is missing"));
  EXPECT_THAT(refusal(saved(state, {kBytes + "g"})), HasSubstr("has 25 bytes, expected 6 numbers of type F32"));
  EXPECT_THAT(refusal(saved(state, {kBytes + "gggg"})), HasSubstr("has 28 bytes"));
  const std::int64_t wraps = (1LL << 62) + 6;  // its size in bytes overflows to 24
  EXPECT_THAT(refusal(saved(dict({{"w", tensor(storage("FloatStorage", "0", wraps), 0, {wraps}, {1})}}), {kBytes})),
              HasSubstr("has 24 bytes"));
  EXPECT_THAT(refusal(saved(dict({{"w", of(0, {6}, {1}, "../0")}}), {kBytes})),
              HasSubstr("its storage '../0' is missing"));
}

TEST(StateDict, NamesThatAreNoneAreRefused) {
  const std::string one = of(0, {6}, {1});
  EXPECT_THAT(refusal(saved(dict({{"w", one}, {"w", one}}), {kBytes})), HasSubstr("'w' appears twice in it"));
  EXPECT_THAT(refusal(saved(dict({{"w\xFF", one}}), {kBytes})), HasSubstr("'w\\xFF', which is not UTF-8"));
  EXPECT_THAT(refusal(saved("}K\x01" + one + "s", {kBytes})), HasSubstr("has a whole number as its name"));
}

TEST(StateDict, TensorsCannotComeToManyTimesTheFile) {
  const std::string large(100'000, 'x');
  // Kept once, named a thousand times:
  std::string state = "}(" + text("first") + tensor(storage("ByteStorage", "0", 100'000), 0, {100'000}, {1}) + "q\x01";
  for (int i = 0; i < 1000; ++i) state += text(std::to_string(i)) + "h\x01";
  EXPECT_THAT(refusal(saved(state + "u", {large})), HasSubstr("over 16 times"));
}

TEST(StateDict, EveryFlippedBitAndCutEndIsSeen) {
  const std::string archive = saved(dict({{"w", of(0, {3, 2}, {1, 3})}}), {kBytes});
  const std::string expected(read_state_dict(archive, "f").tensors[0].bytes);
  int refused = 0;
  for (std::size_t i = 0; i < archive.size(); ++i) {
    std::string damaged = archive;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    try {  // bytes of padding or dates may change
      EXPECT_EQ(read_state_dict(damaged, "f").tensors.at(0).bytes, expected) << i;
    } catch (const DataError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 500);
  for (std::size_t size = 0; size < archive.size(); ++size)
    EXPECT_THROW(read_state_dict(std::string_view(archive).substr(0, size), "f"), DataError) << size;
}

}  // namespace
}  // namespace pleat
