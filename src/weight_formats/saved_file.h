// The two file formats of torch.save: a pickle, and the bytes of each storage. Free of torch headers: this reads
// untrusted files. Source: PyTorch's torch/serialization.py: _save and _load; _legacy_save and _legacy_load.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "weight_formats/pickle.h"
#include "weight_formats/zip_archive.h"

namespace pleat {

struct SavedFile {
  Pickled pickled;
  std::map<std::string, ZipEntry> entries;  // of each storage, by its key
};

/// Reads the zip archive that torch.save writes. `name` is named in errors.
/// Throws: DataError for anything that read_zip or read_pickle refuses, a TorchScript archive, and another byte order.
SavedFile read_saved_archive(std::string_view archive, std::string_view name);

/// True for the file that torch.save wrote before PyTorch 1.6, and still writes on request.
bool is_old_save(std::string_view file);

/// Reads such a file: pickles of a magic number, a version, the machine's sizes, the value and the storages' keys, then
/// for each key the count of numbers and the numbers.
/// Throws: DataError for anything that read_pickle refuses, another version or byte order, keys that are not those of
/// the value's storages, and storages that do not end where the file does.
SavedFile read_old_save(std::string_view file, std::string_view name);

}  // namespace pleat
