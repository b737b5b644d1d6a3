// Fuzzes data_tools/tables/idx_images: IDX files, plain and gzipped. Each input is read as images, else as labels.
#include "base/error.h"
#include "data_tools/tables/idx_images.h"
#include "input_file.h"
#include "reader_outcome.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pleat;
  static fuzz::InputFile file("input");
  const auto& path = file.holding(data, size);
  fuzz::run_reader<DataError>([&] {
    try {
      const IdxImages images = read_idx_images(path);
      for (std::size_t i = 0; i < images.count; ++i) fuzz::touch(images.image(i));
      return;
    } catch (const DataError& refusal) {
      fuzz::check_words(refusal.what());
    }
    fuzz::touch(read_idx_labels(path));
  });
  return 0;
}
