// Fuzzes data/sample_table: samples.csv. An accepted table must be the same after it is written and read again.
#include <stdexcept>

#include "base/error.h"
#include "data/sample_table.h"
#include "input_file.h"
#include "reader_outcome.h"

namespace {

std::string as_csv(const pleat::SampleTable& table) {
  std::string text = "\xEF\xBB\xBF";  // a name may begin with a mark of its own
  const auto add = [&text](std::size_t column, const std::string& value) {
    text += (column == 0 ? "" : ",") + pleat::csv_field(value);
  };
  for (std::size_t column = 0; column < table.names.size(); ++column) add(column, table.names[column]);
  for (std::size_t row = 0; row < table.rows(); ++row) {
    text += '\n';
    for (std::size_t column = 0; column < table.names.size(); ++column) add(column, table.values[column][row]);
  }
  return text + '\n';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pleat;
  static fuzz::InputFile file("samples.csv"), copy("copy.csv");
  fuzz::run_reader<DataError>([&] {
    const SampleTable table = read_samples(file.holding(data, size));
    for (std::size_t row = 0; row < table.rows(); ++row) fuzz::check_words(table.place(row));
    const std::string text = as_csv(table);
    const SampleTable again =
        read_samples(copy.holding(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
    if (again.names != table.names || again.values != table.values)
      throw std::logic_error("a table changes when it is written and read again");
  });
  return 0;
}
