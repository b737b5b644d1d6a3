#include "data_tools/tables/missing_photo.h"

#include <gmock/gmock.h>

#include "base/files.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

// Some photos below data/photos; their content is never read.
class MissingPhotoTest : public testing::Test {
 protected:
  MissingPhotoTest() {
    for (const char* name : {"p1/front.jpg", "p1/two words.png", "P2/Side.JPG", "train/7.jpeg", "train/8.png",
                             "test/8.png", "caf\u00E9/a.jpg", "top.webp", "@eaDir/lost.jpg"}) {
      make_folder((images / name).parent_path());
      write_file(images / name, "photo");
    }
  }
  std::string advice(const std::vector<std::string>& missing, std::size_t rows = 1000) const {
    return advice_on_missing(images, missing, rows);
  }

  ScratchFolder folder;
  const fs::path images = folder / "data/photos";
};

TEST_F(MissingPhotoTest, TheLikelyPathAndTheDifferenceAreNamed) {
  struct Case {
    const char *path, *found, *difference;
  };
  for (const auto& [path, found, difference] : {
           Case{"p1/Front.JPG", "p1/front.jpg", "upper and lower case"},
           Case{"p2/side.jpg", "P2/Side.JPG", "upper and lower case"},
           Case{"p1\\front.jpg", "p1/front.jpg", "backslashes"},
           Case{"C:\\data\\photos\\p1\\front.jpg", "p1/front.jpg", "backslashes, an extra folder 'C:/data/photos'"},
           Case{"p1/two%20words.png", "p1/two words.png", "%-escapes"},
           Case{"p1%5Ctwo%20words.png", "", ""},
           Case{"caf%C3%A9/a.jpg", "caf\u00E9/a.jpg", "%-escapes"},
           Case{"cafe\u0301/a.jpg", "caf\u00E9/a.jpg", "the Unicode form of a character"},
           Case{"p1/front.jpg ", "p1/front.jpg", "blanks"},
           Case{"p1/front", "p1/front.jpg", "the ending .jpg"},
           Case{"p1/front.png", "p1/front.jpg", "the ending .jpg"},
           Case{"P1/FRONT", "p1/front.jpg", "upper and lower case, the ending .jpg"},
           Case{"photos/p1/front.jpg", "p1/front.jpg", "an extra folder 'photos'"},
           Case{"p1/p1/front.jpg", "p1/front.jpg", "an extra folder 'p1'"},
           Case{"7.jpeg", "train/7.jpeg", "a missing folder 'train'"},
           Case{"images\\7.jpg", "", ""},
           Case{"8.png", "", ""},  // in two folders
           Case{"p9/front.bmp", "", ""},
           Case{"lost.jpg", "", ""},
           Case{"p1", "", ""},
           Case{"p1%2F..%2F..%2Fphotos%2Ftop.webp", "", ""},
       }) {
    const std::string line = advice({path});
    if (*found == '\0') {
      EXPECT_EQ(line, "") << path;
    } else {
      EXPECT_THAT(line, AllOf(HasSubstr("is probably '"), HasSubstr(std::string("(difference: ") + difference + ")"),
                              HasSubstr("such corrections find 1 of 1 missing photos"),
                              HasSubstr("correct the paths in the table")))
          << path;
    }
  }
  EXPECT_THAT(advice({"p2/side.jpg"}), HasSubstr("'p2/side.jpg' is probably 'P2/Side.JPG'"));
}

TEST_F(MissingPhotoTest, TheFirstThatIsFoundSpeaksForTheOthers) {
  EXPECT_THAT(advice({"gone.jpg", "P1/front.jpg", "TOP.webp"}),
              AllOf(HasSubstr("'P1/front.jpg' is probably"), HasSubstr("such corrections find 2 of 3 missing photos")));
}

TEST_F(MissingPhotoTest, IfAllAreMissingTheFolderMayBeTheWrongOne) {
  const std::vector<std::string> paths{"photos/p1/front.jpg", "photos/top.webp"};
  EXPECT_THAT(advice(paths, 2), HasSubstr("'photos/p1/front.jpg' is probably 'photos/p1/front.jpg' in " +
                                          (folder / "data").string() + "; such corrections find 2 of 2 "));
  EXPECT_THAT(advice(paths, 2), testing::EndsWith("give --images " + (folder / "data").string()));
  EXPECT_THAT(advice(paths, 3), HasSubstr("an extra folder 'photos'"));
}

// The kernel follows a link before "..": the parent that is searched must be the parent that is advised.
TEST_F(MissingPhotoTest, BehindALinkTheParentIsThatOfTheLinksTarget) {
  const fs::path link = folder / "link";
  fs::create_directory_symlink(images, link);
  EXPECT_THAT(advice_on_missing(link, {"photos/top.webp"}, 1),
              testing::EndsWith("give --images " + fs::canonical(folder / "data").string()));
}

TEST_F(MissingPhotoTest, OfManyMissingPhotosTheFirstThousandAreTried) {
  const std::vector<std::string> paths(1500, "P1/front.jpg");
  EXPECT_THAT(advice(paths, 2000), HasSubstr("such corrections find 1,000 of the first 1,000 missing photos"));
}

TEST_F(MissingPhotoTest, AFolderThatIsNotThereGivesNoAdvice) {
  EXPECT_EQ(advice_on_missing(folder / "nowhere", {"a.jpg"}, 1), "");
}

}  // namespace
}  // namespace pleat
