// Reads a file by model/initial_weights and writes it as safetensors: weights_probe FILE OUT. Exits with pleat's codes.
#include <cstdio>

#include "base/error.h"
#include "base/files.h"
#include "model/initial_weights.h"

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
