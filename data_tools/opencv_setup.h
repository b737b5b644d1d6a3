// How this program uses OpenCV: from threads of its own.
#pragma once

namespace pleat {

/// Turns OpenCV's own threads and its log off, once a process. Call it before the first thread that uses OpenCV.
void quiet_opencv();

}  // namespace pleat
