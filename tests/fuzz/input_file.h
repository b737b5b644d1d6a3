// An input as a file, for readers that take a path. The file is in TMPDIR, which the driver sets to a folder in memory.
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

  /// Writes the bytes. Returns the file's path.
  const std::filesystem::path& holding(const std::uint8_t* data, std::size_t size) {
    // A new file each time: HDF5 identifies files by inode, and might read from one that it still has open.
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
