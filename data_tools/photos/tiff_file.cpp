#include "data_tools/photos/tiff_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#include "base/utf8.h"
#include "data_tools/photos/formats.h"

namespace pleat {
namespace {

constexpr tmsize_t kMaxBlock = tmsize_t{1} << 30;  // bytes that libtiff allocates at once

// libtiff reads such strips all the same.
bool is_harmless(const char* warning) { return std::strstr(warning, "Old-style LZW codes") != nullptr; }

}  // namespace

struct TiffFile::Calls {
  static TiffFile& of(void* self) { return *static_cast<TiffFile*>(self); }

  static tmsize_t read(thandle_t self, void* to, tmsize_t count) {
    TiffFile& file = of(self);
    const std::uint64_t left = file.file_.size() - std::min<std::uint64_t>(file.at_, file.file_.size());
    const auto given =
        static_cast<std::size_t>(std::min(left, static_cast<std::uint64_t>(std::max<tmsize_t>(0, count))));
    if (given > 0) std::memcpy(to, file.file_.data() + file.at_, given);
    file.at_ += given;
    return static_cast<tmsize_t>(given);
  }
  static tmsize_t write(thandle_t, void*, tmsize_t) { return 0; }
  static toff_t seek(thandle_t self, toff_t to, int from) {
    TiffFile& file = of(self);
    file.at_ = to + (from == SEEK_CUR ? file.at_ : from == SEEK_END ? file.file_.size() : 0);
    return file.at_;
  }
  static int close(thandle_t) { return 0; }
  static toff_t size(thandle_t self) { return of(self).file_.size(); }
  // libtiff reads packed strips where they are, without a copy.
  static int map(thandle_t self, void** base, toff_t* size) {
    *base = const_cast<std::uint8_t*>(of(self).file_.data());
    *size = of(self).file_.size();
    return 1;
  }
  static void unmap(thandle_t, void*, toff_t) {}

  static std::string text_of(const char* format, va_list values) {
    std::array<char, 200> text{};
    std::vsnprintf(text.data(), text.size(), format, values);
    return shown(text.data());
  }

  // Returns 1: nothing is printed. An error replaces an earlier warning as the reason.
  static int error(TIFF*, void* self, const char*, const char* format, va_list values) {
    TiffFile& file = of(self);
    if (file.complaint_.empty() || !file.complaint_is_error_) file.complaint_ = text_of(format, values);
    file.complaint_is_error_ = true;
    return 1;
  }
  static int warning(TIFF*, void* self, const char*, const char* format, va_list values) {
    if (!is_harmless(format) && of(self).complaint_.empty()) of(self).complaint_ = text_of(format, values);
    return 1;
  }
};

TiffFile::TiffFile(FileBytes file) : file_(file) {
  const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(),
                                                                             TIFFOpenOptionsFree);
  if (options == nullptr) throw std::bad_alloc();
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMaxBlock);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), Calls::error, this);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), Calls::warning, this);
  // c: strips stay as they are in the file, so that their places can be checked.
  tiff_ = TIFFClientOpenExt("photo", "rc", this, Calls::read, Calls::write, Calls::seek, Calls::close, Calls::size,
                            Calls::map, Calls::unmap, options.get());
  if (tiff_ == nullptr)
    throw BadPhoto(fmt::format("TIFF with a broken directory ({}); get an intact copy, or save it as PNG", complaint_));
}

TiffFile::~TiffFile() { TIFFClose(tiff_); }

}  // namespace pleat
