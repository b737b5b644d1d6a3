// Fuzzes weight_formats/zip_archive, the format of TorchScript files.
#include <cstdint>

#include "base/error.h"
#include "reader_outcome.h"
#include "weight_formats/zip_archive.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pleat;
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  fuzz::run_reader<DataError>([&] {
    for (const ZipEntry& entry : read_zip(file, "input.pt")) fuzz::touch(entry.stored);
  });
  return 0;
}
