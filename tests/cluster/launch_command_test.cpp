#include "cluster/launch_command.h"

#include <gtest/gtest.h>

namespace pleat {
namespace {

TEST(ShellQuoted, LeavesPlainWordsAndQuotesTheRest) {
  EXPECT_EQ(shell_quoted("configs/a-b_1.yaml"), "configs/a-b_1.yaml");
  EXPECT_EQ(shell_quoted("train.lr=1e-3"), "train.lr=1e-3");
  EXPECT_EQ(shell_quoted("targets=[{name: a}]"), "'targets=[{name: a}]'");
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quoted("$HOME"), "'$HOME'");
  EXPECT_EQ(shell_quoted("~/run"), "'~/run'");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("a\nb' \\"), "$'a\\012b\\' \\\\'") << "control characters stay off the terminal";
}

TEST(LaunchCommand, StandsBehindWhatStartedIt) {
  const std::vector<std::string> words{"build/pleat", "train", "a b.yaml"};
  for (const bool as_root : {false, true}) {
    EXPECT_EQ(launch_command(Launcher::kNone, 1, words, as_root), "build/pleat train 'a b.yaml'");
    EXPECT_EQ(launch_command(Launcher::kSrun, 4, words, as_root), "srun -n 4 build/pleat train 'a b.yaml'");
  }
  EXPECT_EQ(launch_command(Launcher::kMpirun, 2, words, false),
            "mpirun --bind-to none -n 2 build/pleat train 'a b.yaml'");
  EXPECT_EQ(launch_command(Launcher::kMpirun, 2, words, true),
            "mpirun --bind-to none -n 2 --allow-run-as-root build/pleat train 'a b.yaml'");
}

}  // namespace
}  // namespace pleat
