// Names the libraries that read and draw photos.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace pleat {

/// Names and versions of the loaded libraries, for display. libjpeg-turbo and giflib only tell the version compiled
/// with.
std::vector<std::pair<std::string, std::string>> library_versions();

/// Names and versions of the libraries that pixels depend on, in one line.
std::string decoder_names();

}  // namespace pleat
