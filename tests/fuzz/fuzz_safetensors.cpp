// Fuzzes weight_formats/safetensors, the format of weights and predictions.
#include "base/error.h"
#include "reader_outcome.h"
#include "weight_formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pleat;
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  fuzz::run_reader<DataError>([&] {
    const SafetensorsFile parsed = parse_safetensors(file, "input.safetensors");
    for (const RawTensor& tensor : parsed.tensors) fuzz::touch(tensor.bytes);
  });
  return 0;
}
