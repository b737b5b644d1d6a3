// Axes, cells and their names; and the errors of those that cannot be trained.
#include "sweep/cells.h"

#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "base/error.h"
#include "support/scratch_folder.h"
#include "sweep/sweep_record.h"

namespace pleat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const ConfigNode kTree =
    parse_config("{data: {crops: c.h5}, targets: [{name: label}], train: {epochs: 10}}", "my.yaml");

bool is_whole(const std::string& key) { return key == "train.batch"; }

std::vector<std::string> values_of(const std::string& text) {
  std::vector<std::string> values;
  for (const ConfigNode& value : parse_axis(text, is_whole).values) values.push_back(to_flow_yaml(value));
  return values;
}

Cells cells_of(const std::vector<std::string>& axes) {
  std::vector<Axis> parsed;
  for (const std::string& axis : axes) parsed.push_back(parse_axis(axis, is_whole));
  return make_cells(kTree, grid_of(parsed));
}

std::vector<std::string> names_of(const Cells& cells) {
  std::vector<std::string> names;
  for (const Cell& cell : cells.cells) names.push_back(cell.name);
  return names;
}

template <class Work>
std::string refusal(const Work& work) {
  try {
    work();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Axes, ListsAndRanges) {
  EXPECT_THAT(values_of("train.lr=1e-4,1e-3"), ElementsAre("1e-4", "1e-3"));
  EXPECT_THAT(values_of("train.lr=log:1e-4:1e-2:5"), ElementsAre("0.0001", "0.000316", "0.001", "0.00316", "0.01"));
  EXPECT_THAT(values_of("train.batch=lin:16:64:4"), ElementsAre("16", "32", "48", "64"));
  EXPECT_THAT(values_of("train.batch=log:10:100:3"), ElementsAre("10", "32", "100")) << "whole numbers";
  EXPECT_THAT(values_of("models=[{name: resnet18}],[{name: resnet20}, {name: resnet34}]").size(), 2u);
}

TEST(Axes, RefusesWhatIsNoAxis) {
  for (const auto& [text, error] :
       std::vector<std::pair<std::string, std::string>>{{"train.lr", "expected the form"},
                                                        {"=1", "expected the form"},
                                                        {"train.lr=", "no values"},
                                                        {"train.lr=log:0:1:3", "above 0"},
                                                        {"train.lr=log:1e-2:1e-4:3", "empty"},
                                                        {"train.lr=lin:1:1:3", "empty"},
                                                        {"train.lr=lin:1:2:1", "from 2"},
                                                        {"train.lr=lin:1:2:2.5", "from 2"},
                                                        {"train.lr=lin:a:2:3", "'a' is not a number"},
                                                        {"train.lr=lin:1:2:3:4", "expected log:"},
                                                        {"train.lr=[1, 2", "not valid YAML"}})
    EXPECT_THAT(refusal([&] { parse_axis(text, is_whole); }), HasSubstr(error)) << text;
  EXPECT_THAT(refusal([] { grid_of({parse_axis("train.lr=log:1:2", is_whole)}); }), HasSubstr("number of values"));
  EXPECT_THAT(refusal([] { cells_of({"train.lr=1,2", "train.lr=3"}); }), HasSubstr("given twice"));
}

TEST(Axes, RandomCellsOfAGridAreDifferentAndAWiderDrawKeepsThem) {
  const std::vector<Axis> axes{parse_axis("train.lr=1,2,3,4", is_whole), parse_axis("train.batch=8,16,32", is_whole)};
  const Cells few = make_cells(kTree, random_cells(axes, 5, 42)), more = make_cells(kTree, random_cells(axes, 9, 42));
  EXPECT_EQ(few.cells.size(), 5u);
  std::vector<std::string> first = names_of(more);
  first.resize(5);
  EXPECT_EQ(first, names_of(few));
  EXPECT_EQ(random_cells(axes, 100, 42).cells.size(), 12u) << "there are no more";
  EXPECT_NE(names_of(make_cells(kTree, random_cells(axes, 5, 43))), names_of(few));
}

TEST(Axes, OpenRangesAreDrawnWithin) {
  const std::vector<Axis> axes{parse_axis("train.lr=log:1e-4:1e-2", is_whole),
                               parse_axis("train.batch=lin:8:64", is_whole)};
  for (const Cell& cell : make_cells(kTree, random_cells(axes, 50, 1)).cells) {
    EXPECT_GE(cell.config.train.lr, 1e-4);
    EXPECT_LE(cell.config.train.lr, 1e-2);
    EXPECT_GE(cell.config.train.batch, 8);
    EXPECT_LE(cell.config.train.batch, 64);
  }
}

TEST(Axes, AFileOfTrialsMayLeaveValuesToTheConfig) {
  const ScratchFolder folder;
  std::ofstream(folder / "trials.csv") << "train.lr,train.batch\n0.1,\n,128\n";
  const Cells cells = make_cells(kTree, cells_of_file(folder / "trials.csv"));
  EXPECT_THAT(names_of(cells), ElementsAre("lr=0.1,batch=64", "lr=0.001,batch=128"));
  EXPECT_EQ(cells.cells[1].config.train.lr, 1e-3);
}

TEST(Cells, AreNamedByTheirValues) {
  EXPECT_THAT(names_of(cells_of({"train.lr=1e-3,0.01", "train.batch=16"})),
              ElementsAre("lr=0.001,batch=16", "lr=0.01,batch=16"));
  EXPECT_THAT(names_of(cells_of({"train.optimizer=sgd,adamw"})), ElementsAre("optimizer=sgd", "optimizer=adamw"));
  EXPECT_THAT(names_of(cells_of({"models=[{name: resnet18}],[{name: resnet20}, {name: resnet34}]"})),
              ElementsAre("models=resnet18", "models=resnet20+resnet34"));
  const std::vector<std::string> same_ids = names_of(
      cells_of({"models=[{name: resnet20}],[{name: resnet20, dropout: 0.1}],[{name: resnet20, dropout: 0.2}]"}));
  EXPECT_EQ(same_ids.front(), "models=resnet20");
  EXPECT_EQ(std::set<std::string>(same_ids.begin(), same_ids.end()).size(), 3u) << "models of one id";
  EXPECT_EQ(cells_of({"models=[{name: resnet18, weights: a.pt}],[{name: resnet18, weights: b.pt}]"}).cells.size(), 2u)
      << "files may differ";
  const std::string odd = names_of(cells_of({"models=[{id: a, name: resnet18, weights: 'x/y z.pt'}]"})).front();
  EXPECT_EQ(odd.find_first_of("/ "), std::string::npos) << odd;
}

TEST(Cells, RefusesKeysThatCannotVary) {
  for (const char* axis :
       {"data.crops=a,b", "folds.k=3,5", "seed=1,2", "targets_as=joint,heads", "score=accuracy", "rounds.count=1,2",
        "cluster.threads=1,2", "sweep.keep=all,best", "ensemble=mean,best", "targets.0.name=a,b", "joint.name=a"})
    EXPECT_THAT(refusal([&] { cells_of({axis}); }), HasSubstr("cannot vary")) << axis;
  EXPECT_THAT(refusal([] { cells_of({"trian.lr=1,2"}); }), HasSubstr("did you mean 'train'?"));
  EXPECT_THAT(refusal([] { cells_of({"train.lrr=1,2"}); }), HasSubstr("lr"));
}

TEST(Cells, NamesEveryCellThatIsOutOfBounds) {
  const std::string error = refusal([] { cells_of({"train.lr=1e-3,-1", "train.batch=16,0,32"}); });
  EXPECT_THAT(error, HasSubstr("4 of 6 cells"));
  EXPECT_THAT(error, HasSubstr("train.lr=-1"));
  EXPECT_THAT(error, HasSubstr("train.batch=0"));
}

TEST(Cells, RefusesEqualCells) {
  EXPECT_THAT(refusal([] { cells_of({"train.lr=1e-3,0.001"}); }), HasSubstr("two cells are equal"));
}

TEST(Cells, AShortScheduleIsACompleteOne) {
  RunConfig config = cells_of({"train.epochs=10"}).cells.front().config;
  config.train.freeze_epochs = 4;
  config.train.patience = 2;
  const TrainConfig brief = brief_config(config).train;
  EXPECT_EQ(brief.epochs, 2);
  EXPECT_EQ(brief.freeze_epochs, 1);
  EXPECT_EQ(brief.patience, 1);
  EXPECT_EQ(brief.schedule, config.train.schedule);
}

class SweepFolder : public testing::Test {
 protected:
  static SweepRecord record(const std::string& assignment, const std::vector<std::string>& keys,
                            const std::string& data = "hash") {
    ConfigNode tree = kTree;
    set_in_config(tree, assignment);
    return record_of(config_of(tree), keys, data);
  }
  std::string refused(const SweepRecord& asked) const {
    return refusal([&] { find_earlier_sweep({folder_ / "s"}, asked); });
  }
  ScratchFolder folder_;
};

TEST_F(SweepFolder, TakesMoreValuesOfTheSameKeysAndNothingElse) {
  const SweepPaths paths{folder_ / "s"};
  EXPECT_FALSE(find_earlier_sweep(paths, record("train.lr=1", {"train.lr"})));
  SweepRecord first = record("train.lr=1", {"train.lr"});
  first.precision = "fp32";
  take_sweep_folder(paths, first);
  EXPECT_TRUE(find_earlier_sweep(paths, record("train.lr=2", {"train.lr"}))) << "a swept key has no value of its own";
  EXPECT_TRUE(find_earlier_sweep(paths, record("cluster.threads=2", {"train.lr"}))) << "a runtime key";
  EXPECT_TRUE(find_earlier_sweep(paths, record("rounds.count=2", {"train.lr"})));
  EXPECT_THAT(refused(record("train.lr=1", {"train.lr", "train.batch"})), HasSubstr("a sweep over train.lr, not over"));
  EXPECT_THAT(refused(record("train.epochs=11", {"train.lr"})), HasSubstr("train.epochs: 10 -> 11"));
  EXPECT_THAT(refused(record("train.precision=bf16", {"train.lr"})), HasSubstr("train.precision"));
  EXPECT_THROW(find_earlier_sweep(paths, record("train.lr=1", {"train.lr"}, "other")), DataError);
}

TEST_F(SweepFolder, RefusesAFolderOfOtherThings) {
  std::filesystem::create_directories(folder_ / "s");
  std::ofstream(folder_ / "s/notes.txt") << "mine";
  EXPECT_THROW(find_earlier_sweep({folder_ / "s"}, record("train.lr=1", {"train.lr"})), DataError);
  std::filesystem::remove(folder_ / "s/notes.txt");
  std::ofstream(folder_ / "s/sweep.json") << "{";
  EXPECT_THROW(find_earlier_sweep({folder_ / "s"}, record("train.lr=1", {"train.lr"})), DataError);
}

}  // namespace
}  // namespace pleat
