// Small JPEGs for pages.
#pragma once

#include <string>

#include "data_tools/photos/picture.h"

namespace pleat {

/// Returns the picture as JPEG, reduced to at most `longest` pixels on the longer side. A small one is not enlarged.
/// Requires: a picture of one channel (gray) or three.
std::string thumbnail_jpeg(const Picture& picture, int longest);

}  // namespace pleat
