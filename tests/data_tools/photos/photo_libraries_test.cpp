#include "data_tools/photos/photo_libraries.h"

#include <gmock/gmock.h>

namespace pleat {
namespace {

TEST(PhotoLibraries, EachHasAVersion) {
  std::vector<std::string> names;
  for (const auto& [name, version] : library_versions()) {
    names.push_back(name);
    EXPECT_THAT(version, testing::AnyOf(testing::ContainsRegex("^[0-9]+\\.[0-9]+"), "OpenCV's own")) << name;
  }
  EXPECT_THAT(names, testing::ElementsAre("OpenCV", "libjpeg-turbo", "libpng", "libwebp", "zlib"));
}

}  // namespace
}  // namespace pleat
