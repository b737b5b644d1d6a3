#include "data_tools/opencv_setup.h"

#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>

namespace pleat {

// The pool threads are ours: OpenCV's own would only fight with them. Its warnings would break the progress line, and
// each photo's fate is reported anyway. Once a process: two threads in setNumThreads at a time crash it.
void quiet_opencv() {
  static const bool kQuiet = [] {
    cv::setNumThreads(1);
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    return true;
  }();
  static_cast<void>(kQuiet);
}

}  // namespace pleat
