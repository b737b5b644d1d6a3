// Finds the face in a photo, by OpenCV's detectors. They and the neural network library behind them lie in a module of
// their own (faces/face_module.cpp), loaded where faces are sought: training starts without their 30 MB.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "data_tools/picture.h"

namespace pleat {

/// In the pixels of the picture it was found in, inside it.
struct FaceBox {
  int left = 0, top = 0, width = 0, height = 0;
};

/// One per thread: a detector keeps what it works with.
class FaceFinder {
 public:
  virtual ~FaceFinder() = default;
  /// The largest face; of equal ones the topmost, then the leftmost. `picture`: upright RGB.
  virtual std::optional<FaceBox> largest_face(const Picture& picture) = 0;
};

/// A cascade of OpenCV's (.xml) or the network YuNet (.onnx), told apart by the file's name. Throws DataError if the
/// file cannot be read or is neither, ClusterError if this build has no module for it.
std::unique_ptr<FaceFinder> make_face_finder(const std::filesystem::path& detector);

/// The frontal-face cascade that OpenCV's data package installs.
std::filesystem::path default_face_detector();

/// The name of the module's one function: `FaceFinder* pleat_face_finder(const char* detector)`, which throws
/// std::exception.
inline constexpr const char* kFaceEntry = "pleat_face_finder";

}  // namespace pleat
