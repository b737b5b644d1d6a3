// Writes what model/weights_file reads of a file as safetensors: weights_probe FILE OUT. Exits with pleat's codes.
#include <cstdio>

#include "base/error.h"
#include "base/files.h"
#include "model/weights_file.h"

int main(int argc, char** argv) {
  using namespace pleat;
  if (argc != 3) return std::fputs("usage: weights_probe FILE OUT\n", stderr), 2;
  try {
    write_file(argv[2], tensors_to_bytes(read_weights(argv[1]).tensors));
    return 0;
  } catch (const Error& error) {
    std::printf("%s\n", error.what());
    return static_cast<int>(error.code());
  }
}
