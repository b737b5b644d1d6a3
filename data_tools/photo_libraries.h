// Which libraries read and draw photos here.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace pleat {

/// Names and versions, for people: of the libraries as loaded, where they tell; libjpeg-turbo only tells what it was
/// compiled with.
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace pleat
