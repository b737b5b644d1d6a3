#include "model/tensor_file.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <gmock/gmock.h>

#include "base/error.h"
#include "base/files.h"
#include "support/scratch_folder.h"
#include "weight_formats/safetensors.h"

namespace pleat {
namespace {

TEST(TensorFile, EveryDtypeComesBackWithItsBits) {
  NamedTensors tensors;
  for (const auto type : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16, at::kByte, at::kChar, at::kShort, at::kInt,
                          at::kLong, at::kBool, at::kComplexFloat}) {
    tensors.emplace_back(toString(type), at::arange(6).reshape({2, 3}).to(type));
  }
  tensors.emplace_back("scalar", torch::tensor(3.5));
  tensors.emplace_back("empty", torch::empty({0, 4}));
  const TensorFile file = tensors_from_bytes(tensors_to_bytes(tensors), "t");
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(file.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_EQ(file.at(name).sizes(), tensor.sizes()) << name;
    EXPECT_TRUE(at::equal(file.at(name), tensor)) << name;
  }
}

TEST(TensorFile, ValuesAreWrittenInRowMajorOrderWhateverTheStrides) {
  const torch::Tensor plain = at::randn({2, 3, 4, 5});
  const torch::Tensor channels_last = plain.contiguous(at::MemoryFormat::ChannelsLast);
  EXPECT_EQ(tensors_to_bytes({{"w", plain}}), tensors_to_bytes({{"w", channels_last}}));
  EXPECT_EQ(tensors_to_bytes({{"w", plain.slice(1, 0, 3, 2)}}),
            tensors_to_bytes({{"w", plain.slice(1, 0, 3, 2).contiguous()}}));
}

TEST(TensorFile, TensorsOutliveTheBytesTheyWereReadFrom) {
  std::string bytes = tensors_to_bytes({{"w", torch::full({4}, 2.0F)}}, {{"epoch", "7"}});
  const TensorFile file = tensors_from_bytes(bytes, "t");
  bytes.assign(bytes.size(), '\0');
  EXPECT_EQ(file.at("w").sum().item<float>(), 8.0F);
  EXPECT_EQ(file.metadata.at("epoch"), "7");
}

TEST(TensorFile, AMissingTensorIsNamedWithTheFile) {
  const ScratchFolder folder;
  write_file(folder / "w.safetensors", tensors_to_bytes({{"w", torch::zeros({1})}}));
  const TensorFile file = read_tensors(folder / "w.safetensors");
  try {
    file.at("v");
    ADD_FAILURE() << "was found";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("w.safetensors"), testing::HasSubstr("'v'")));
  }
}

TEST(TensorFile, ABoolThatIsNeitherTrueNorFalseIsRefused) {
  const std::string bytes = format_safetensors(
      {{.name = "mask", .dtype = "BOOL", .shape = {2}, .append = [](std::string& file) { file += "\1\2"; }}}, {});
  EXPECT_THROW(tensors_from_bytes(bytes, "t"), DataError);
}

}  // namespace
}  // namespace pleat
