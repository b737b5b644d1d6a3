// An input as a file, for the readers that take a path. It lies in TMPDIR, which the driver sets to memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "support/scratch_folder.h"

namespace pleat::fuzz {

class InputFile {
 public:
  explicit InputFile(const char* name) : path_(folder_ / name) {}

  /// Where the bytes now stand.
  const std::filesystem::path& holding(const std::uint8_t* data, std::size_t size) {
    // A new file each time: HDF5 tells files apart by their inode, and would answer from one that it has not let go.
    std::filesystem::remove(path_);
    std::FILE* file = std::fopen(path_.c_str(), "wb");
    const bool written = file != nullptr && std::fwrite(data, 1, size, file) == size;
    if (file == nullptr || std::fclose(file) != 0 || !written)
      throw std::runtime_error("cannot write the input to " + path_.string());
    return path_;
  }

 private:
  ScratchFolder folder_;
  std::filesystem::path path_;
};

}  // namespace pleat::fuzz
