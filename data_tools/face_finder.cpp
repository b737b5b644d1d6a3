#include "data_tools/face_finder.h"

#include <dlfcn.h>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"

namespace pleat {
namespace {

constexpr const char* kModule = "libpleat_faces.so";  // sought where this program's run path says

using Entry = FaceFinder* (*)(const char*);

Entry load_module() {
  void* module = dlopen(kModule, RTLD_NOW | RTLD_LOCAL);  // never closed: detectors live on in threads
  if (module == nullptr) {
    throw ClusterError(
        "faces cannot be sought: {}; install the packages of packages.txt, build pleat again, and keep its modules "
        "beside it",
        dlerror());
  }
  const auto entry = reinterpret_cast<Entry>(dlsym(module, kFaceEntry));
  if (entry == nullptr) throw ClusterError("{} is not pleat's (it has no {}); build pleat again", kModule, kFaceEntry);
  return entry;
}

}  // namespace

std::unique_ptr<FaceFinder> make_face_finder(const std::filesystem::path& detector) {
  read_file(detector);  // throws, by name, what OpenCV would only call empty
  static const Entry entry = load_module();
  try {
    return std::unique_ptr<FaceFinder>(entry(detector.c_str()));
  } catch (const std::runtime_error& error) {  // lack of memory is not the file's fault
    throw DataError(
        "{} is no face detector that OpenCV can use ({}); expected a cascade (.xml) or YuNet's network (.onnx, of "
        "inputs of 320x320)",
        detector.string(), shown(error.what(), 300));
  }
}

std::filesystem::path default_face_detector() {
  const std::filesystem::path built = PLEAT_FACE_CASCADE;
  std::error_code unreadable;
  if (built.empty() || !std::filesystem::exists(built, unreadable)) {
    throw DataError("the cascade that finds faces is not there ({}); install opencv-data, or name one with --detector",
                    built.empty() ? "nor was it where pleat was built" : built.string());
  }
  return built;
}

}  // namespace pleat
