#include "data_tools/photos/opencv_setup.h"

#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>

namespace pleat {

// pleat has threads of its own; OpenCV's would compete with them. Warnings of OpenCV would break the progress line, and
// the result of each photo is reported anyway. Runs once a process: concurrent calls of setNumThreads crash.
void quiet_opencv() {
  static const bool kQuiet = [] {
    cv::setNumThreads(1);
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    return true;
  }();
  static_cast<void>(kQuiet);
}

}  // namespace pleat
