#include "data_tools/photos/photo_libraries.h"

#include <gmock/gmock.h>

namespace pleat {
namespace {

TEST(PhotoLibraries, EachHasAVersion) {
  std::vector<std::string> names;
  for (const auto& [name, version] : library_versions()) {
    names.push_back(name);
    EXPECT_THAT(version, testing::ContainsRegex("[0-9]+\\.[0-9]+")) << name;
  }
  EXPECT_THAT(names, testing::ElementsAre("OpenCV", "libjpeg-turbo", "libpng", "libwebp", "libtiff", "giflib",
                                          "libheif", "HEIC", "AVIF", "zlib"));
}

// Crops of one photo depend on them, so that ranks compare them.
TEST(PhotoLibraries, CropsNameTheirDecoders) {
  for (const char* name :
       {"libjpeg-turbo 2", "libpng 1", "libwebp 1", "libtiff 4", "giflib 5", "libheif 1", "OpenCV 4"})
    EXPECT_THAT(decoder_names(), testing::HasSubstr(name));
}

}  // namespace
}  // namespace pleat
