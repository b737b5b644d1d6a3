// Zip archives and pickles built byte by byte: as torch.save writes them, and broken ones.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"

namespace pleat {

inline std::string little(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(i < 8 ? value >> (8 * i) : 0);
  return text;
}

inline std::string deflated(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

struct Part {
  std::string name, contents;
  int method = 0;       // 0: stored, 8: deflated
  std::string padding;  // only in the local header, as LibTorch aligns its tensors
};

inline std::string zip(const std::vector<Part>& parts, const std::string& comment = "") {
  std::string archive, directory;
  for (const Part& part : parts) {
    const std::string stored = part.method == 8 ? deflated(part.contents) : part.contents;
    const std::string common = little(20, 2) + little(0, 2) + little(static_cast<std::uint64_t>(part.method), 2) +
                               little(0, 4) + little(crc32(part.contents), 4) + little(stored.size(), 4) +
                               little(part.contents.size(), 4) + little(part.name.size(), 2);
    directory += "PK\x01\x02" + little(20, 2) + common + little(0, 2 + 2 + 2 + 2 + 4) + little(archive.size(), 4);
    directory += part.name;
    archive += "PK\x03\x04" + common + little(part.padding.size(), 2) + part.name + part.padding + stored;
  }
  const std::string count = little(parts.size(), 2);
  return archive + directory + "PK\x05\x06" + little(0, 4) + count + count + little(directory.size(), 4) +
         little(archive.size(), 4) + little(comment.size(), 2) + comment;
}

// Pieces of a pickle; each leaves one value on the stack.
namespace pickled {

const std::string kOrdered = "ccollections\nOrderedDict\n)R";
const std::string kFalse = "\x89", kNone = "N", kHalf = std::string("G?\xe0\0\0\0\0\0\0", 9);

inline std::string text(const std::string& value) { return "X" + little(value.size(), 4) + value; }
inline std::string integer(std::int64_t value) { return "\x8a\x08" + little(static_cast<std::uint64_t>(value), 8); }
inline std::string name(const std::string& module, const std::string& word) {
  return "c" + module + "\n" + word + "\n";
}

inline std::string tuple(const std::vector<std::string>& items) {
  std::string all = "(";
  for (const auto& item : items) all += item;
  return all + "t";
}

inline std::string integers(const std::vector<std::int64_t>& values) {
  std::vector<std::string> items;
  for (const std::int64_t value : values) items.push_back(integer(value));
  return tuple(items);
}

inline std::string storage(const std::string& type, const std::string& key, std::int64_t count) {
  return tuple({text("storage"), name("torch", type), text(key), text("cpu"), integer(count)}) + "Q";
}

inline std::string tensor(const std::string& storage, std::int64_t offset, const std::vector<std::int64_t>& shape,
                          const std::vector<std::int64_t>& strides) {
  return name("torch._utils", "_rebuild_tensor_v2") +
         tuple({storage, integer(offset), integers(shape), integers(strides), kFalse, kOrdered}) + "R";
}

inline std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string all = kOrdered + "(";
  for (const auto& [key, value] : items) all += text(key) + value;
  return all + "u";
}

inline std::string whole(const std::string& value) { return "\x80\x02" + value + "."; }

}  // namespace pickled

/// Returns an archive with the pickled value and its storages, named 0, 1, …
inline std::string saved(const std::string& value, const std::vector<std::string>& storages,
                         const std::string& order = "little") {
  std::vector<Part> parts{{"archive/data.pkl", pickled::whole(value)}, {"archive/byteorder", order}};
  for (std::size_t i = 0; i < storages.size(); ++i)
    parts.push_back({"archive/data/" + std::to_string(i), storages[i], 0, std::string(64, 'Z')});
  parts.push_back({"archive/version", "3\n"});
  return zip(parts);
}

}  // namespace pleat
