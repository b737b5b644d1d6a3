// Fuzzes torch.save's files: weight_formats/state_dict reads both of its formats, weight_formats/pickle anything else.
#include <zlib.h>

#include <cstring>
#include <span>

#include "base/error.h"
#include "reader_outcome.h"
#include "weight_formats/pickle.h"
#include "weight_formats/saved_file.h"
#include "weight_formats/state_dict.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

using namespace pleat;
using Bytes = std::span<std::uint8_t>;

constexpr std::string_view kDirectoryMark = "PK\x01\x02";
constexpr std::size_t kLocalSize = 30;

std::string_view text_of(Bytes file) { return {reinterpret_cast<const char*>(file.data()), file.size()}; }

std::size_t number(Bytes file, std::size_t at, std::size_t bytes) {
  std::size_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | file[at + i];
  return value;
}

// Returns the contents of the entry with the directory record at `record`; empty if they are not in the file.
Bytes contents(Bytes file, std::size_t record) {
  if (file.size() - record < 46) return {};
  const std::size_t local = number(file, record + 42, 4), size = number(file, record + 20, 4);
  if (local > file.size() || file.size() - local < kLocalSize) return {};
  const std::size_t begin = local + kLocalSize + number(file, local + 26, 2) + number(file, local + 28, 2);
  return begin > file.size() || size > file.size() - begin ? Bytes{} : file.subspan(begin, size);
}

// Calls visit(record, contents) for each entry.
template <class Visit>
void for_each_entry(Bytes file, const Visit& visit) {
  const std::string_view text = text_of(file);
  for (std::size_t at = text.find(kDirectoryMark); at != text.npos; at = text.find(kDirectoryMark, at + 1)) {
    if (const Bytes found = contents(file, at); !found.empty()) visit(at, found);
  }
}

// Corrects checksums: otherwise every change would be refused at once.
void mend_checksums(Bytes file) {
  for_each_entry(file, [&](std::size_t record, Bytes found) {
    const auto sum = static_cast<std::uint32_t>(::crc32_z(0, found.data(), found.size()));
    for (std::size_t i = 0; i < 4; ++i) file[record + 16 + i] = static_cast<std::uint8_t>(sum >> (8 * i));
  });
}

// The pickle is the first entry that torch.save writes.
void change_pickle(Bytes file) {
  bool changed = false;
  for_each_entry(file, [&](std::size_t, Bytes found) {
    if (!changed) LLVMFuzzerMutate(found.data(), found.size(), found.size());
    changed = true;
  });
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  const bool archive = text_of({data, size}).starts_with("PK");
  if (archive && seed % 2 != 0) {
    change_pickle({data, size});
  } else {
    size = LLVMFuzzerMutate(data, size, most);
  }
  if (archive && seed % 8 < 7) mend_checksums({data, size});
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  fuzz::run_reader<DataError>([&] {
    if (file.starts_with("PK") || is_old_save(file)) {
      const StateDict read = read_state_dict(file, "input.pth");
      for (const RawTensor& tensor : read.tensors) fuzz::touch(tensor.bytes);
      return;
    }
    const Pickled read = read_pickle(file, "input.pth");
    for (const PickleValue& value : read.values) fuzz::touch(value.text);
    for (const PickledStorage& storage : read.storages) fuzz::touch(storage.key);
  });
  return 0;
}
