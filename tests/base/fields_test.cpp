#include "base/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pleat {
namespace {

struct Inner {
  double lr = 1e-3;
  std::string optimizer = "adamw";
  static constexpr auto fields() {
    return std::tuple{field("lr", &Inner::lr, above(0.0), identity, "peak learning rate"),
                      field("optimizer", &Inner::optimizer, one_of("adamw", "sgd"), identity, "optimizer")};
  }
};

struct Outer {
  std::int64_t seed = 42;
  Auto<std::int64_t> threads;
  std::optional<std::int64_t> limit;
  bool exact = false;
  std::vector<std::string> stratify;
  Inner train;
  std::vector<Inner> models;
  static constexpr auto fields() {
    return std::tuple{field("seed", &Outer::seed, at_least(0), identity, "seed"),
                      field("threads", &Outer::threads, at_least(1), runtime, "threads"),
                      field("limit", &Outer::limit, at_least(1), identity, "rows"),
                      field("exact", &Outer::exact, any(), identity, "exact"),
                      field("stratify", &Outer::stratify, any(), identity, "columns"),
                      field("train", &Outer::train, any(), identity, "training"),
                      field("models", &Outer::models, any(), identity, "models")};
  }
};

Outer read(const std::string& text) { return read_fields<Outer>(parse_config(text, "c.yaml")); }

std::string refusal(const std::string& text) {
  try {
    read(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Fields, WhatIsLeftOutKeepsItsDefault) {
  const Outer config =
      read("train: {lr: 0.5}\nmodels: [{lr: 2}, {}]\nstratify: [a, b]\nthreads: 3\nlimit: 7\nexact: true");
  EXPECT_EQ(config.seed, 42);
  EXPECT_EQ(config.train.lr, 0.5);
  EXPECT_EQ(config.train.optimizer, "adamw");
  ASSERT_EQ(config.models.size(), 2U);
  EXPECT_EQ(config.models[1].lr, 1e-3);
  EXPECT_EQ(config.threads.value, 3);
  EXPECT_EQ(config.limit, 7);
  EXPECT_TRUE(config.exact);
}

TEST(Fields, AnEmptyDocumentAndNullsMeanDefaults) {
  EXPECT_EQ(read("").seed, 42);
  const Outer config = read("threads: auto\nlimit: null\ntrain:\n");
  EXPECT_FALSE(config.threads.value || config.limit);
  EXPECT_FALSE(read("limit: ~").limit);
}

TEST(Fields, ANullInQuotesIsText) {
  const Outer config = read("stratify: [\"null\", '~']");
  EXPECT_THAT(config.stratify, testing::ElementsAre("null", "~"));
  EXPECT_EQ(read(to_yaml(from_json(to_json(config)))).stratify, config.stratify);
}

TEST(Fields, BadInputIsRefusedWithPlaceValueAndExpectation) {
  const std::pair<const char*, const char*> cases[] = {
      {"a: [", "c.yaml:1: not valid YAML"},
      {"seed: 1\nseed: 2", "c.yaml:2: 'seed' is given twice"},
      {"seed: 1\n---\nexact: true", "c.yaml:3: a second YAML document begins here"},
      {"sed: 1", "c.yaml:1: unknown key 'sed'; did you mean 'seed'?"},
      {"\ntrain: {momentun_of_all: 1}", "c.yaml:2: unknown key 'train.momentun_of_all'; known here: lr, optimizer"},
      {"train: {lr: 0}", "train.lr is '0'; expected a number above 0"},
      {"train: {lr: fast}", "train.lr is 'fast'; expected a number"},
      {"train: {lr: nan}", "expected a number"},
      {"train: {optimizer: adam}", "did you mean adamw?"},
      {"seed: 1.5", "seed is '1.5'; expected a whole number"},
      {"seed: -1", "expected a number at least 0"},
      {"exact: yes", "exact is 'yes'; expected true or false"},
      {"models: {lr: 1}", "models is keys and values; expected a list"},
      {"models: [{}, {lr: -1}]", "models.1.lr is '-1'"},
      {"train: 5", "train is '5'; expected keys and values"},
      {"- a", "the config is a list; expected keys and values"},
      {"seed: 99999999999999999999", "expected a whole number"},
  };
  for (const auto& [text, part] : cases) EXPECT_THAT(refusal(text), testing::HasSubstr(part)) << text;
}

TEST(Fields, SetOverridesOneValue) {
  ConfigNode root = parse_config("train: {lr: 1}\nmodels: [{lr: 1}]", "c.yaml");
  set_in_config(root, "train.lr=0.25");
  set_in_config(root, "models.0.optimizer=sgd");
  set_in_config(root, "stratify=[x, y]");
  const Outer config = read_fields<Outer>(root);
  EXPECT_EQ(config.train.lr, 0.25);
  EXPECT_EQ(config.models[0].optimizer, "sgd");
  EXPECT_THAT(config.stratify, testing::ElementsAre("x", "y"));
  for (const char* bad : {"train.lr", "=3", "models.7.lr=1", "train.lr.x=2"}) {
    EXPECT_THROW(set_in_config(root, bad), UsageError) << bad;
  }
}

TEST(Fields, SetTakesAListItemInBracketsToo) {
  ConfigNode root = parse_config("models: [{lr: 1}, {lr: 1}]", "c.yaml");
  set_in_config(root, "models[1].lr=0.5");
  set_in_config(root, "stratify=[x, y]");
  set_in_config(root, "stratify[0]=a[0]");
  const Outer config = read_fields<Outer>(root);
  EXPECT_EQ(config.models[0].lr, 1);
  EXPECT_EQ(config.models[1].lr, 0.5);
  EXPECT_THAT(config.stratify, testing::ElementsAre("a[0]", "y"));
  EXPECT_THROW(set_in_config(root, "models[2].lr=1"), UsageError);
}

TEST(Fields, WhatSetBringsInNamesItInErrors) {
  const std::pair<const char*, const char*> cases[] = {
      {"train.lr=-3", "--set train.lr=-3: train.lr is '-3'"},
      {"train.rl.x=1", "--set train.rl.x=1: unknown key 'train.rl'; did you mean 'train.lr'?"},
      {"models[x].lr=1", "--set models[x].lr=1: unknown key 'models[x]'"},
      {"models[0].lr=1", "--set models[0].lr=1: models is keys and values; expected a list"},  // there is none yet
  };
  for (const auto& [assignment, part] : cases) {
    ConfigNode root = parse_config("train: {lr: 1}", "c.yaml");
    set_in_config(root, assignment);
    try {
      read_fields<Outer>(root);
      ADD_FAILURE() << assignment << " was accepted";
    } catch (const UsageError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(part));
    }
  }
}

TEST(Fields, TheResolvedConfigReadsBackTheSame) {
  const Outer config = read("train: {lr: 1e-4}\nmodels: [{optimizer: sgd}]\nstratify: [a]");
  const std::string yaml = to_yaml(from_json(to_json(config)));
  EXPECT_EQ(to_json(read(yaml)), to_json(config)) << yaml;
}

TEST(Fields, RuntimeFieldsStayOutOfTheIdentity) {
  Outer a = read(""), b = read("threads: 5");
  EXPECT_EQ(identity_of(a), identity_of(b));
  EXPECT_NE(to_json(a), to_json(b));
  EXPECT_NE(identity_of(a), identity_of(read("train: {lr: 0.1}")));
}

struct Later {
  double lr = 1e-3;
  double clip = 0;
  std::vector<double> steps;
  static constexpr auto fields() {
    return std::tuple{field("lr", &Later::lr, above(0), identity, ""),
                      field("clip", &Later::clip, at_least(0), omit_at_default, ""),
                      field("steps", &Later::steps, any(), omit_at_default, "")};
  }
};
struct LaterOuter {
  Later train, extra;
  std::vector<Later> models;
  static constexpr auto fields() {
    return std::tuple{field("train", &LaterOuter::train, any(), identity, ""),
                      field("extra", &LaterOuter::extra, any(), omit_at_default, ""),
                      field("models", &LaterOuter::models, any(), identity, "")};
  }
};

TEST(Fields, AnOptionAtItsDefaultStaysOutOfTheJobKeyButIsCompared) {
  LaterOuter config{.models = {Later{}}};
  EXPECT_EQ(key_fields_of(config).dump(), R"({"train":{"lr":0.001},"models":[{"lr":0.001}]})");
  EXPECT_EQ(identity_of(config)["train"].dump(), R"({"lr":0.001,"clip":0.0,"steps":[]})");
  config.train.clip = 1;
  config.models[0].steps = {0.5};
  config.extra.lr = 0.1;
  EXPECT_EQ(key_fields_of(config).dump(),
            R"({"train":{"lr":0.001,"clip":1.0},"extra":{"lr":0.1},"models":[{"lr":0.001,"steps":[0.5]}]})");
}

TEST(Fields, TheReferenceHasARowForEachField) {
  std::vector<FieldDoc> rows;
  describe_fields<Outer>("", rows);
  std::vector<std::string> keys;
  for (const auto& row : rows) keys.push_back(row.key);
  EXPECT_THAT(keys, testing::ElementsAre("seed", "threads", "limit", "exact", "stratify", "train", "train.lr",
                                         "train.optimizer", "models[]", "models[].lr", "models[].optimizer"));
  EXPECT_EQ(rows[6].bound, "above 0");
}

TEST(Fields, UnfoldingAliasesHasAnEnd) {
  EXPECT_THAT(refusal("seed: 1\na: &x [*x]"), testing::HasSubstr("c.yaml:2: values are nested more than 64 deep"));
  EXPECT_THAT(refusal("a: &x {b: *x}"), testing::HasSubstr("nested more than 64 deep"));
  std::string text = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'i'; ++c)
    text += fmt::format("{0}: &{0} [*{1},*{1},*{1},*{1},*{1},*{1},*{1},*{1},*{1},*{1}]\n", c, char(c - 1));
  EXPECT_THROW(parse_config(text, "c.yaml"), UsageError);
}

}  // namespace
}  // namespace pleat
