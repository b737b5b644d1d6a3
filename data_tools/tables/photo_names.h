// Tells photos from other files by their names: photos that pleat reads, pictures that it does not read, and the files
// and folders of operating systems and network storage. Does not use OpenCV.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace pleat {

/// Whether the name has the ending of a format that `prepare` reads, in upper or lower case.
bool is_photo_name(const std::filesystem::path& name);

/// The endings of is_photo_name for help texts: ".jpg, .jpeg, …".
std::string photo_endings_text();

/// Whether an operating system or a network storage makes files or folders of that name beside the user's own: hidden
/// names, `@eaDir`, `#recycle`, `__MACOSX`, `$RECYCLE.BIN`, `Thumbs.db` and their kind.
///   name: without its folder
bool is_system_name(std::string_view name);

/// A kind of file that holds pictures but that `prepare` does not read.
struct UnreadKind {
  std::string_view name;    // a noun that takes a plural s: "raw photo"
  std::string_view remedy;  // imperative: "convert them to JPEG or TIFF"
};

/// Returns the kind by the name's ending; nullptr for photos and for files that hold no pictures.
const UnreadKind* unread_kind(const std::filesystem::path& name);

/// Whether the file begins like a photo that `prepare` reads. False if it cannot be read, or, without opening it, if
/// its ending is that of a text or table (.txt, .xml, .json, …). Requires: a regular file, since opening a pipe blocks.
bool begins_as_photo(const std::filesystem::path& file);

}  // namespace pleat
