// Writes a crops file as a seed for mutation: crops_seed PATH ROWS COLUMNS. Its second row is not valid. With more than
// eight columns and facts, HDF5 stores their names in another way.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "data/small_crops.h"

namespace {

using namespace pleat;

void make_crops(const char* path, std::size_t rows, int columns) {
  SampleTable table = small_table(rows);
  Provenance provenance{{"crop", "none"}, {"size", "5x7"}};
  for (int i = 0; i < columns; ++i) {
    table.names.push_back("column " + std::to_string(i));
    table.values.push_back(table.values[1]);
    provenance["fact " + std::to_string(i)] = "of no weight";
  }
  create_crops(path, kShape, table, provenance);
  CropWriter writer(path);
  for (std::size_t row = 0; row < rows; ++row) {
    if (row != 1) writer.write(row, picture(row));
  }
  writer.finish();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fputs("usage: crops_seed PATH ROWS COLUMNS\n", stderr), 2;
  try {
    make_crops(argv[1], std::strtoul(argv[2], nullptr, 10), std::atoi(argv[3]));
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "crops_seed: %s\n", error.what()), 1;
  }
}
