// Names of the files that a command writes beside its output.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace pleat {

/// The file beside `out` that says `what` about it: for data/crops.h5 and "report.json" data/crops.report.json. The
/// endings .h5, .hdf5 and .csv are replaced; `what` is appended to any other name.
inline std::filesystem::path side_file(const std::filesystem::path& out, std::string_view what) {
  const std::string ending = out.extension().string();
  const bool replaced = ending == ".h5" || ending == ".hdf5" || ending == ".csv";
  return out.parent_path() / ((replaced ? out.stem() : out.filename()).string() + "." + std::string(what));
}

}  // namespace pleat
