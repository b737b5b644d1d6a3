#include "weight_formats/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/files.h"
#include "base/utf8.h"
#include "weight_formats/little_endian.h"
#include "weight_formats/safetensors_header.h"

namespace pleat {
namespace {

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kMostHeaderBytes = 100'000'000;  // the limit of the format's own reader
const std::string kMetadataKey = "__metadata__";
const std::string kCrcKey = "crc32";

struct DtypeSize {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array kDtypes{DtypeSize{"BOOL", 1},    DtypeSize{"U8", 1},  DtypeSize{"I8", 1},  DtypeSize{"F8_E5M2", 1},
                             DtypeSize{"F8_E4M3", 1}, DtypeSize{"I16", 2}, DtypeSize{"U16", 2}, DtypeSize{"F16", 2},
                             DtypeSize{"BF16", 2},    DtypeSize{"I32", 4}, DtypeSize{"U32", 4}, DtypeSize{"F32", 4},
                             DtypeSize{"I64", 8},     DtypeSize{"U64", 8}, DtypeSize{"F64", 8}, DtypeSize{"C64", 8}};

// Returns 0 for an unknown dtype.
std::uint64_t dtype_bytes(std::string_view dtype) {
  for (const auto& known : kDtypes) {
    if (known.name == dtype) return known.bytes;
  }
  return 0;
}

// The header's text. Its length comes first in the file, as 8 little-endian bytes.
std::string_view header_of(std::string_view file, std::string_view name) {
  if (file.size() < kLengthBytes)
    refuse_safetensors(name, fmt::format("it has {} bytes, too few for a header", file.size()));
  const std::uint64_t length = little_endian(file.substr(0, kLengthBytes));
  if (length > kMostHeaderBytes) {
    refuse_safetensors(
        name, fmt::format("its header would have {} bytes, more than the {} allowed", length, kMostHeaderBytes));
  }
  if (length > file.size() - kLengthBytes) {
    refuse_safetensors(name, fmt::format("its header of {} bytes does not fit in a file of {}", length, file.size()));
  }
  const auto header = file.substr(kLengthBytes, length);
  if (!header.starts_with('{')) refuse_safetensors(name, "its header does not start with '{'");
  return header;
}

// Bytes of a tensor. Sizes of 0 count as 1 in the overflow check: strides are products of the other sizes.
std::uint64_t checked_bytes(const SafetensorsEntry& entry, std::string_view file) {
  const std::uint64_t item = dtype_bytes(entry.dtype);
  if (item == 0) {
    refuse_safetensors(
        file, fmt::format("tensor '{}' has dtype '{}', which is not known", shown(entry.name), shown(entry.dtype)));
  }
  std::int64_t product = static_cast<std::int64_t>(item);
  bool empty = false;
  for (const std::int64_t size : entry.shape) {
    empty = empty || size == 0;
    if (__builtin_mul_overflow(product, std::max<std::int64_t>(size, 1), &product)) {
      refuse_safetensors(file, fmt::format("tensor '{}' has a shape beyond what can be addressed", shown(entry.name)));
    }
  }
  return empty ? 0 : static_cast<std::uint64_t>(product);
}

// Sorts the entries by their data, and checks that the data covers 0 to `size` without gap or overlap.
void check_offsets(std::vector<SafetensorsEntry>& entries, std::uint64_t size, std::string_view file) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const SafetensorsEntry& a, const SafetensorsEntry& b) { return a.offsets < b.offsets; });
  std::uint64_t expected = 0;
  for (const SafetensorsEntry& entry : entries) {
    const std::uint64_t begin = entry.offsets[0], end = entry.offsets[1];
    if (begin != expected || end < begin || end > size) {
      refuse_safetensors(file,
                         fmt::format("tensor '{}' has data_offsets [{}, {}], but its data must start at {} of {} bytes",
                                     shown(entry.name), begin, end, expected, size));
    }
    const std::uint64_t bytes = checked_bytes(entry, file);
    if (end - begin != bytes) {
      refuse_safetensors(file, fmt::format("tensor '{}' has {} bytes of data, but shape and dtype need {}",
                                           shown(entry.name), end - begin, bytes));
    }
    expected = end;
  }
  if (expected != size)
    refuse_safetensors(file, fmt::format("{} of its {} data bytes belong to no tensor", size - expected, size));
}

std::string crc_text(std::uint32_t crc) { return fmt::format("{:08x}", crc); }

// Widest dtypes first, so that readers that map the file find each tensor aligned; otherwise in the given order.
std::vector<const TensorToWrite*> data_order(const std::vector<TensorToWrite>& tensors) {
  std::vector<const TensorToWrite*> order;
  for (const TensorToWrite& tensor : tensors) order.push_back(&tensor);
  std::stable_sort(order.begin(), order.end(), [](const TensorToWrite* a, const TensorToWrite* b) {
    return dtype_bytes(a->dtype) > dtype_bytes(b->dtype);
  });
  return order;
}

std::uint64_t bytes_to_write(const TensorToWrite& tensor) {
  std::uint64_t bytes = dtype_bytes(tensor.dtype);
  if (bytes == 0) throw std::invalid_argument("tensor '" + tensor.name + "' has the unknown dtype " + tensor.dtype);
  for (const std::int64_t size : tensor.shape) bytes *= static_cast<std::uint64_t>(size);
  return bytes;
}

nlohmann::ordered_json header_to_write(const std::vector<const TensorToWrite*>& order) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  header[kMetadataKey] = nullptr;  // reserves the first place
  std::uint64_t size = 0;
  for (const TensorToWrite* tensor : order) {
    const std::uint64_t end = size + bytes_to_write(*tensor);
    nlohmann::ordered_json entry = {{"dtype", tensor->dtype}, {"shape", tensor->shape}, {"data_offsets", {size, end}}};
    if (!header.emplace(tensor->name, std::move(entry)).second)
      throw std::invalid_argument("two tensors named '" + tensor->name + "' in one file");
    size = end;
  }
  return header;
}

// Length and header, padded so that data starts aligned.
std::string header_bytes(const nlohmann::ordered_json& header) {
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string bytes;
  for (std::size_t i = 0; i < kLengthBytes; ++i) bytes += static_cast<char>(text.size() >> (8 * i));
  return bytes + text;
}

}  // namespace

SafetensorsFile parse_safetensors(std::string_view file, std::string_view name) {
  const std::string_view header = header_of(file, name);
  SafetensorsHeader contents = read_safetensors_header(header, name);
  const std::string_view data = file.substr(kLengthBytes + header.size());
  check_offsets(contents.entries, data.size(), name);
  if (const auto written = contents.metadata.find(kCrcKey); written != contents.metadata.end()) {
    const std::string found = crc_text(crc32(data));
    if (written->second != found) {
      refuse_safetensors(name, fmt::format("its data has CRC-32 {}, not {}", found, shown(written->second)));
    }
  }

  SafetensorsFile parsed{.metadata = std::move(contents.metadata)};
  parsed.tensors.reserve(contents.entries.size());
  for (SafetensorsEntry& entry : contents.entries) {
    parsed.tensors.push_back({.name = std::move(entry.name),
                              .dtype = std::move(entry.dtype),
                              .shape = std::move(entry.shape),
                              .bytes = data.substr(entry.offsets[0], entry.offsets[1] - entry.offsets[0])});
  }
  return parsed;
}

std::string format_safetensors(const std::vector<TensorToWrite>& tensors, std::map<std::string, std::string> metadata) {
  static_assert(std::endian::native == std::endian::little, "the tensors' bytes are written as they are in memory");
  const auto order = data_order(tensors);
  nlohmann::ordered_json header = header_to_write(order);
  // The checksum comes before its data and has a fixed length: it is filled in last.
  metadata[kCrcKey] = crc_text(0);
  header[kMetadataKey] = metadata;
  std::string file = header_bytes(header);
  const std::size_t data = file.size();
  std::uint64_t size = data;
  for (const TensorToWrite* tensor : order) size += bytes_to_write(*tensor);
  file.reserve(size);
  for (const TensorToWrite* tensor : order) {
    const std::size_t before = file.size();
    tensor->append(file);
    if (file.size() - before != bytes_to_write(*tensor))
      throw std::invalid_argument("tensor '" + tensor->name + "' has more or fewer bytes than its shape needs");
  }
  metadata[kCrcKey] = crc_text(crc32(std::string_view(file).substr(data)));
  header[kMetadataKey] = metadata;
  file.replace(0, data, header_bytes(header));
  return file;
}

}  // namespace pleat
