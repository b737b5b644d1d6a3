// Prepares OpenCV for use from pleat's own threads.
#pragma once

namespace pleat {

/// Turns off OpenCV's own threads and its log, once a process.
/// Requires: no other thread uses OpenCV yet.
void quiet_opencv();

}  // namespace pleat
