// uPlot, a library for line charts, as it stands in the page (https://github.com/leeoniya/uPlot, MIT licence).
#pragma once

#include <string>

namespace pleat {

/// The library with its licence, for a <script>.
std::string uplot_script();
/// For a <style>.
std::string uplot_style();

}  // namespace pleat
