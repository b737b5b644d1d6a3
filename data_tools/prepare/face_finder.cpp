#include "data_tools/prepare/face_finder.h"

#include <dlfcn.h>

#include "base/error.h"
#include "base/files.h"
#include "base/module_file.h"
#include "base/utf8.h"

namespace pleat {
namespace {

using Entry = FaceFinder* (*)(const char*);

Entry load_entry() {
  std::string fault;
  void* module = load_module(kFaceModule, RTLD_NOW | RTLD_LOCAL, fault);
  if (module == nullptr) throw ClusterError("cannot load the face detectors: {}", fault);
  const auto entry = reinterpret_cast<Entry>(dlsym(module, kFaceEntry));
  if (entry == nullptr)
    throw ClusterError("{} is not pleat's module (no {}); build pleat again", kFaceModule, kFaceEntry);
  return entry;
}

}  // namespace

std::unique_ptr<FaceFinder> make_face_finder(const std::filesystem::path& detector) {
  read_file(detector);  // for its error, which names the file; OpenCV's only says "empty"
  static const Entry entry = load_entry();
  try {
    return std::unique_ptr<FaceFinder>(entry(detector.c_str()));
  } catch (const std::runtime_error& error) {  // lack of memory is not the file's fault
    throw DataError(
        "{} is not a face detector that OpenCV can use ({}); expected a cascade (.xml) or YuNet's network (.onnx, "
        "with inputs of 320x320)",
        detector.string(), shown(error.what(), 300));
  }
}

std::filesystem::path default_face_detector() {
  const std::filesystem::path built = PLEAT_FACE_CASCADE;
  std::error_code unreadable;
  if (built.empty() || !std::filesystem::exists(built, unreadable)) {
    throw DataError("the default face detector is missing ({}); install opencv-data, or give one with --detector",
                    built.empty() ? "also missing when pleat was built" : built.string());
  }
  return built;
}

}  // namespace pleat
