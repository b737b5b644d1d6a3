// Fuzzes data/crop_file: crops.h5 with its table, its provenance and every row's pixels.
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "data/crop_file.h"
#include "input_file.h"
#include "reader_outcome.h"

extern "C" {
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);
// HDF5's own function: exported by its library, but not declared in its headers.
std::uint32_t H5_checksum_metadata(const void* data, std::size_t size, std::uint32_t start);
// HDF5 leaks memory when it refuses a damaged file.
const char* __lsan_default_suppressions() { return "leak:libhdf5"; }
}

namespace {

using Bytes = std::span<std::uint8_t>;

std::size_t number(Bytes file, std::size_t at, std::size_t bytes) {
  std::size_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | file[at + i];
  return value;
}

// A message of an object header, without its first bytes. The header is at `header`, its checksum at `sum`.
struct Message {
  std::size_t header, sum, begin, size;
};

constexpr std::uint8_t kShape = 1, kType = 3, kLayout = 8;

// Finds messages of the object header at `header`; stops where the header is damaged.
// Source: HDF5 File Format Specification 3.0, IV.A.1.b.
void find_messages(Bytes file, std::size_t header, std::vector<Message>& found) {
  constexpr std::size_t kLongestPrefix = 34;
  if (file.size() - header < kLongestPrefix) return;
  const unsigned flags = file[header + 5];
  const std::size_t width = 1U << (flags & 3), size_at = header + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
  const std::size_t size = number(file, size_at, width), first = size_at + width, before_body = flags & 0x04 ? 6 : 4;
  if (size > file.size() || first + size + 4 > file.size()) return;
  const std::size_t sum = first + size;
  for (std::size_t at = first; at + before_body <= sum;) {
    const std::size_t body = at + before_body, bytes = number(file, at + 1, 2);
    if (body + bytes > sum) return;
    if (file[at] == kShape || file[at] == kType) found.push_back({header, sum, body, bytes});
    if (file[at] == kLayout && bytes > 2)
      found.push_back({header, sum, body + 2, bytes - 2});  // not the class: the place
    at = body + bytes;
  }
}

// Changes a dataset's shape, type or place and corrects its header's checksum, so that pleat must refuse the file.
// Leaves the rest of HDF5's structure alone: with correct checksums, HDF5 1.10 itself crashes on changes there.
// Returns false if the file has no such message.
bool change_message(Bytes file, unsigned choice) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  std::vector<Message> messages;
  for (std::size_t at = text.find("OHDR"); at != text.npos; at = text.find("OHDR", at + 1))
    find_messages(file, at, messages);
  if (messages.empty()) return false;
  const Message& message = messages[choice % messages.size()];
  LLVMFuzzerMutate(file.data() + message.begin, message.size, message.size);
  const std::uint32_t sum = H5_checksum_metadata(file.data() + message.header, message.sum - message.header, 0);
  std::memcpy(file.data() + message.sum, &sum, sizeof sum);
  return true;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  const bool changed = seed % 2 != 0 && change_message({data, size}, seed / 2);
  return changed ? size : LLVMFuzzerMutate(data, size, most);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pleat;
  static fuzz::InputFile file("crops.h5");
  const auto& path = file.holding(data, size);
  fuzz::run_reader<DataError>([&] {
    const CropFile crops(path);
    for (const auto& column : crops.table().values) {
      for (const std::string& value : column) fuzz::touch(value);
    }
    for (std::size_t row = 0; row < crops.rows(); ++row) {
      try {
        fuzz::touch(crops.image(row));
      } catch (const DataError& refusal) {  // for this row, as training would see it
        fuzz::check_words(refusal.what());
      }
    }
    fuzz::touch(crops.hash());
    count_valid(path);
  });
  return 0;
}
