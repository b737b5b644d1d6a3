#include "base/progress.h"

#include <gmock/gmock.h>

#include "base/wording.h"

namespace pleat {
namespace {

using testing::ElementsAre;

struct Screen {
  std::vector<std::string> lines;
  double clock = 100;
  Progress::Output output(bool terminal) {
    return {terminal, [this](const std::string& line) { lines.push_back("drawn: " + line); },
            [this](const std::string& line) { lines.push_back(line); }, [this] { return clock; }};
  }
};

TEST(Progress, SpeaksEveryTenSecondsAndAtTheEndAwayFromATerminal) {
  Screen screen;
  {
    Progress progress("crops", 2000, screen.output(false));
    for (std::size_t done = 100; done <= 2000; done += 100) {
      screen.clock += 1;
      progress.set(done);
    }
  }
  EXPECT_THAT(screen.lines, ElementsAre("crops: 1,000 of 2,000 (50 %), 100/s, 10 s left",
                                        "crops: 2,000 of 2,000 (100 %), 100/s, took 20 s"));
}

TEST(Progress, RedrawsOneLineOnATerminalAndKeepsTheLastState) {
  Screen screen;
  {
    Progress progress("crops", 4, screen.output(true));
    screen.clock += 0.1;
    progress.set(1);
    screen.clock += 0.4;
    progress.set(2);
  }
  EXPECT_THAT(screen.lines, ElementsAre("drawn: crops: 2 of 4 (50 %), 4.0/s, 1 s left",
                                        "drawn: ", "crops: 2 of 4 (50 %), 4.0/s, 1 s left"));
}

TEST(Progress, LeavesOutCountsThatComeLate) {
  Screen screen;
  Progress progress("crops", 3, screen.output(false));
  screen.clock += 1;
  progress.set(3);
  progress.set(2);
  progress.set(3);
  EXPECT_EQ(screen.lines.size(), 1u);
}

TEST(Progress, WordsDurationsAndNumbersForPeople) {
  EXPECT_EQ(counted(1, "class"), "1 class");
  EXPECT_EQ(counted(3000, "class"), "3,000 classes");
  EXPECT_EQ(duration_text(0.2), "1 s");
  EXPECT_EQ(duration_text(59), "59 s");
  EXPECT_EQ(duration_text(59.5), "1 min 0 s");
  EXPECT_EQ(duration_text(119), "1 min 59 s");
  EXPECT_EQ(duration_text(300), "5 min 0 s");
  EXPECT_EQ(duration_text(599), "9 min 59 s");
  EXPECT_EQ(duration_text(600), "10 min");
  EXPECT_EQ(duration_text(3569), "59 min");
  EXPECT_EQ(duration_text(3599), "1 h 0 min");
  EXPECT_EQ(duration_text(7500), "2 h 5 min");
  EXPECT_EQ(grouped(7), "7");
  EXPECT_EQ(grouped(18900), "18,900");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(counted(1, "slot"), "1 slot");
  EXPECT_EQ(counted(0, "slot"), "0 slots");
  EXPECT_EQ(counted(1, "class"), "1 class");
  EXPECT_EQ(counted(10, "class"), "10 classes");
}

}  // namespace
}  // namespace pleat
