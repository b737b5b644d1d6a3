// Runs a Python program and waits for it. LibTorch cannot write ONNX files; the exported loader can.
#pragma once

#include <string>
#include <vector>

namespace pleat {

/// The Python to run: $PLEAT_PYTHON, else the virtual environment that pleat was built with, else python3 of $PATH.
std::string python_command();

struct PythonResult {
  int status = 0;      // exit code, or 128 + the signal that ended it
  std::string output;  // standard output and standard error
};

/// Runs `python_command()` with these arguments. A stop signal, or the end of this process, ends it too.
/// Throws: UsageError if it cannot be started; StopRequested.
PythonResult run_python(const std::vector<std::string>& arguments);

}  // namespace pleat
