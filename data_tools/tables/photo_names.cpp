#include "data_tools/tables/photo_names.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <span>
#include <string>

#include "base/ascii.h"
#include "data_tools/photos/image_header.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;
using namespace std::string_view_literals;

bool has(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array kPhotos = {".jpg"sv, ".jpeg"sv, ".jpe"sv,  ".jfif"sv, ".png"sv, ".webp"sv, ".bmp"sv,
                                ".tif"sv, ".tiff"sv, ".heic"sv, ".heif"sv, ".hif"sv, ".avif"sv, ".gif"sv};

// In lower case. Names that a class could have (Recycled, Thumbs) are not among them.
constexpr std::array kSystem = {
    // Synology, QNAP, ASUSTOR, NetApp
    "@eadir"sv, "#recycle"sv, "#snapshot"sv, "@recycle"sv, "@recently-snapshot"sv, "@snapshot"sv, "@tmp"sv,
    "@__thumb"sv, "@sharebin"sv, "~snapshot"sv,
    // Windows
    "$recycle.bin"sv, "recycler"sv, "system volume information"sv, "$extend"sv, "thumbs.db"sv, "ehthumbs.db"sv,
    "ehthumbs_vista.db"sv, "desktop.ini"sv, "hiberfil.sys"sv, "pagefile.sys"sv, "swapfile.sys"sv,
    // macOS
    "__macosx"sv, "network trash folder"sv, "temporary items"sv, "desktop db"sv, "desktop df"sv, "icon\r"sv,
    // Linux
    "lost+found"sv, "aquota.user"sv, "aquota.group"sv,
    // Picasa, ACDSee
    "picasa.ini"sv, "zbthumbnail.info"sv};

// Files beside a photo: photo.jpg@SynoEAStream.
constexpr std::array kSystemEnds = {"@synoeastream"sv, "@synoresource"sv};

// chkdsk of Windows puts what it finds into FOUND.000, FOUND.001, …
bool is_found_by_chkdsk(std::string_view name) {
  return name.size() == 9 && name.starts_with("found.") &&
         std::all_of(name.begin() + 6, name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

constexpr std::array kRaw = {".3fr"sv, ".arw"sv, ".cr2"sv, ".cr3"sv, ".crw"sv, ".dcr"sv, ".dng"sv,
                             ".erf"sv, ".fff"sv, ".gpr"sv, ".iiq"sv, ".k25"sv, ".kdc"sv, ".mef"sv,
                             ".mos"sv, ".mrw"sv, ".nef"sv, ".nrw"sv, ".orf"sv, ".pef"sv, ".raf"sv,
                             ".raw"sv, ".rw2"sv, ".rwl"sv, ".sr2"sv, ".srf"sv, ".srw"sv, ".x3f"sv};
constexpr std::array kPhotoshop = {".psd"sv, ".psb"sv};
constexpr std::array kJpegXl = {".jxl"sv};
constexpr std::array kJpeg2000 = {".jp2"sv, ".j2k"sv, ".j2c"sv, ".jpc"sv, ".jpf"sv, ".jpx"sv};
constexpr std::array kOther = {".apng"sv, ".bpg"sv, ".dcm"sv, ".dds"sv,   ".dib"sv,   ".exr"sv,   ".fit"sv,
                               ".fits"sv, ".hdr"sv, ".ico"sv, ".icns"sv,  ".jxr"sv,   ".pam"sv,   ".pbm"sv,
                               ".pcx"sv,  ".pgm"sv, ".pnm"sv, ".ppm"sv,   ".qoi"sv,   ".sgi"sv,   ".tga"sv,
                               ".wdp"sv,  ".xcf"sv, ".ora"sv, ".heics"sv, ".heifs"sv, ".avifs"sv, ".btf"sv};
constexpr std::array kDrawing = {".svg"sv, ".svgz"sv, ".eps"sv, ".ai"sv, ".pdf"sv, ".cdr"sv};
constexpr std::array kVideo = {".mp4"sv,  ".mov"sv, ".avi"sv, ".mkv"sv, ".webm"sv, ".m4v"sv, ".3gp"sv,
                               ".mpeg"sv, ".mpg"sv, ".mts"sv, ".wmv"sv, ".m2ts"sv, ".flv"sv};
constexpr std::array kArchive = {".zip"sv, ".rar"sv, ".7z"sv, ".tar"sv, ".tgz"sv, ".gz"sv, ".bz2"sv, ".xz"sv, ".zst"sv};

// Files beside photos. A data set may have one for each photo, so they are not opened.
constexpr std::array kTexts = {".txt"sv, ".xml"sv,  ".json"sv, ".csv"sv,  ".tsv"sv, ".md"sv,  ".html"sv,
                               ".htm"sv, ".xmp"sv,  ".aae"sv,  ".yaml"sv, ".yml"sv, ".ini"sv, ".log"sv,
                               ".db"sv,  ".py"sv,   ".npy"sv,  ".mat"sv,  ".pkl"sv, ".h5"sv,  ".sh"sv,
                               ".doc"sv, ".docx"sv, ".xls"sv,  ".xlsx"sv, ".url"sv, ".lnk"sv, ".torrent"sv};

struct KindOfEndings {
  UnreadKind kind;
  std::span<const std::string_view> endings;
};

const std::array kUnread = {KindOfEndings{{"raw photo", "convert them to JPEG or TIFF"}, kRaw},
                            KindOfEndings{{"Photoshop file", "save them as PNG or TIFF"}, kPhotoshop},
                            KindOfEndings{{"JPEG XL picture", "convert them to JPEG or PNG"}, kJpegXl},
                            KindOfEndings{{"JPEG 2000 picture", "convert them to JPEG or PNG"}, kJpeg2000},
                            KindOfEndings{{"other picture", "convert them to JPEG, PNG or TIFF"}, kOther},
                            KindOfEndings{{"drawing or document", "save their pictures as PNG"}, kDrawing},
                            KindOfEndings{{"video", "save single frames as JPEG or PNG"}, kVideo},
                            KindOfEndings{{"archive", "unpack them"}, kArchive}};

}  // namespace

std::string photo_endings_text() { return fmt::format("{}", fmt::join(kPhotos, ", ")); }

bool is_photo_name(const fs::path& name) { return has(kPhotos, lower_ascii(name.extension().native())); }

bool is_system_name(std::string_view name) {
  if (name.starts_with('.')) return true;
  const std::string lower = lower_ascii(name);
  return has(kSystem, lower) || is_found_by_chkdsk(lower) ||
         std::any_of(kSystemEnds.begin(), kSystemEnds.end(), [&](auto end) { return lower.ends_with(end); });
}

const UnreadKind* unread_kind(const fs::path& name) {
  const std::string ending = lower_ascii(name.extension().native());
  const auto found = std::find_if(kUnread.begin(), kUnread.end(),
                                  [&](const KindOfEndings& each) { return has(each.endings, ending); });
  return found == kUnread.end() ? nullptr : &found->kind;
}

bool begins_as_photo(const fs::path& file) {
  if (has(kTexts, lower_ascii(file.extension().native()))) return false;
  std::array<std::uint8_t, 64> bytes{};
  std::ifstream stream(file, std::ios::binary);
  stream.read(reinterpret_cast<char*>(bytes.data()), bytes.size());
  const auto count = static_cast<std::size_t>(std::max<std::streamsize>(0, stream.gcount()));
  return format_of(std::span(bytes).first(count)).has_value();
}

}  // namespace pleat
