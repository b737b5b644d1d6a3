#include "target/joint_target.h"

#include <ATen/Functions.h>
#include <gmock/gmock.h>

#include "base/error.h"

namespace pleat {
namespace {

std::vector<Target> mask_gender_age() {
  return {{.name = "mask", .classes = {"wear", "wrong", "none"}},
          {.name = "gender", .classes = {"male", "female"}},
          {.name = "age", .classes = {"young", "middle", "old"}}};
}

TEST(JointTarget, HasAClassForEachCombinationTheFirstVaryingSlowest) {
  const JointTarget joint = resolve_joint({.name = "class"}, mask_gender_age());
  EXPECT_EQ(joint.target.size(), 18);
  EXPECT_EQ(joint.target.classes[0], "wear/male/young");
  EXPECT_EQ(joint.target.classes[1], "wear/male/middle");
  EXPECT_EQ(joint.target.classes[17], "none/female/old");
  // mask x 6 + gender x 3 + age
  EXPECT_EQ(joint_class(joint, {2, 1, 0}), 15);
  EXPECT_EQ(joint_class(joint, {2, -1, 0}), -1);
}

TEST(JointTarget, ProductsAndSumsUndoEachOther) {
  const JointTarget joint = resolve_joint({}, mask_gender_age());
  std::vector<torch::Tensor> parts;
  for (const int size : joint.sizes) parts.push_back(at::softmax(at::randn({5, size}, at::kDouble), 1));
  const torch::Tensor product = product_probs(joint, parts);
  EXPECT_NEAR(product[3][15].item<double>(),
              parts[0][3][2].item<double>() * parts[1][3][1].item<double>() * parts[2][3][0].item<double>(), 1e-12);
  for (std::size_t i = 0; i < parts.size(); ++i)
    EXPECT_TRUE(marginal_probs(joint, product, i).allclose(parts[i], 1e-9, 1e-12));
}

TEST(JointTarget, DerivesWhatIsMissingAndNothingFromTooLittle) {
  const JointTarget joint = resolve_joint({.name = "class", .of = {"gender", "age"}}, mask_gender_age());
  std::vector<torch::Tensor> probs{{}, at::full({1, 2}, 0.5), at::full({1, 3}, 1.0 / 3), {}};
  derive_probs(joint, probs);
  EXPECT_FALSE(probs[0].defined()) << "mask is no part";
  ASSERT_TRUE(probs[3].defined());
  EXPECT_EQ(probs[3].size(1), 6);
  std::vector<torch::Tensor> from_joint{{}, {}, {}, probs[3]};
  derive_probs(joint, from_joint);
  EXPECT_TRUE(from_joint[1].allclose(probs[1].to(at::kDouble), 1e-6));
  std::vector<torch::Tensor> too_little{{}, probs[1], {}, {}};
  derive_probs(joint, too_little);
  EXPECT_FALSE(too_little[3].defined());
}

TEST(JointTarget, RefusesWhatCannotBeCombined) {
  EXPECT_THROW(resolve_joint({.of = {"mask", "colour"}}, mask_gender_age()), UsageError);
  EXPECT_THROW(resolve_joint({.of = {"mask", "mask"}}, mask_gender_age()), UsageError);
  EXPECT_THROW(resolve_joint({.of = {"mask"}}, mask_gender_age()), UsageError);
  std::vector<Target> many(5, {.name = "", .classes = std::vector<std::string>(10, "c")});
  for (std::size_t i = 0; i < many.size(); ++i) many[i].name = std::to_string(i);
  EXPECT_THROW(resolve_joint({}, many), UsageError) << "100,000 classes";
}

}  // namespace
}  // namespace pleat
