// Finds the face in a photo with OpenCV's detectors. A separate module (faces/face_module.cpp) holds the detectors and
// their neural network library. It is loaded only for face detection: training starts without its 30 MB.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "data_tools/photos/picture.h"

namespace pleat {

/// A face, in pixels of the searched picture; lies inside the picture.
struct FaceBox {
  int left = 0, top = 0, width = 0, height = 0;
};

/// Not thread-safe: use one per thread.
class FaceFinder {
 public:
  virtual ~FaceFinder() = default;
  /// Returns the largest face; of equal ones the topmost, then the leftmost.
  ///   picture: upright RGB
  virtual std::optional<FaceBox> largest_face(const Picture& picture) = 0;
};

/// Loads a cascade of OpenCV's (.xml) or the network YuNet (.onnx); the file's name decides.
/// Throws: DataError if the file cannot be read or is neither.
/// Throws: ClusterError if the module cannot be loaded.
std::unique_ptr<FaceFinder> make_face_finder(const std::filesystem::path& detector);

/// Returns the frontal-face cascade that OpenCV's data package installs. Throws: DataError if it is missing.
std::filesystem::path default_face_detector();

/// The name of the module's only function: `FaceFinder* pleat_face_finder(const char* detector)`. Throws:
/// std::exception.
inline constexpr const char* kFaceEntry = "pleat_face_finder";

}  // namespace pleat
