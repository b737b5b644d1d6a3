// Decodes HEIC and AVIF through libheif: HEVC by libde265, AV1 by libaom. Source: ISO/IEC 23008-12, 14496-12.
#include <fmt/format.h>
#include <libheif/heif.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <string_view>

#include "base/utf8.h"
#include "data_tools/photos/formats.h"
#include "data_tools/photos/hevc_header.h"

namespace pleat {
namespace {

constexpr std::int64_t kMaxHidden = 16'000'000;  // pixels of a stored picture, however small its visible part

struct Release {
  void operator()(heif_context* context) const { heif_context_free(context); }
  void operator()(heif_image_handle* handle) const { heif_image_handle_release(handle); }
  void operator()(heif_image* image) const { heif_image_release(image); }
  void operator()(heif_decoding_options* options) const { heif_decoding_options_free(options); }
};

template <class Object>
using Owned = std::unique_ptr<Object, Release>;

std::string_view type_at(FileBytes file, std::size_t at) {
  return {reinterpret_cast<const char*>(file.data()) + at, 4};
}

// Returns whether a box reaches beyond the file. Boxes of other types stand for data that some phones append.
bool is_cut_short(FileBytes file) {
  for (std::size_t at = 0; file.size() - at >= 8;) {
    const std::string_view type = type_at(file, at + 4);
    const bool known = type == "ftyp" || type == "meta" || type == "mdat" || type == "moov" || type == "free";
    std::uint64_t size = big_endian(file.subspan(at, 4));
    if (size == 0) return false;  // to the file's end
    if (size == 1) {
      if (file.size() - at < 16) return known;
      size = std::uint64_t{big_endian(file.subspan(at + 8, 4))} << 32 | big_endian(file.subspan(at + 12, 4));
    }
    if (size < 8 || size > file.size() - at) return known;
    at += size;
  }
  return false;
}

class HeifPhoto {
 public:
  HeifPhoto(FileBytes file, PhotoFormat format) : file_(file), format_(format) {
    // Registers the decoders once; many threads read photos.
    static const bool kReady = heif_init(nullptr).code == heif_error_Ok;
    if (!kReady) throw std::bad_alloc();
    context_.reset(heif_context_alloc());
    if (context_ == nullptr) throw std::bad_alloc();
    heif_context_set_max_decoding_threads(context_.get(), 0);  // photos are spread over threads already
    check(heif_context_read_from_memory_without_copy(context_.get(), file.data(), file.size(), nullptr));
    heif_image_handle* handle = nullptr;
    check(heif_context_get_primary_image_handle(context_.get(), &handle));
    handle_.reset(handle);
  }

  ImageHeader header() const {
    return {.format = format_,
            .width = heif_image_handle_get_width(handle_.get()),
            .height = heif_image_handle_get_height(handle_.get()),
            .bits = heif_image_handle_get_luma_bits_per_pixel(handle_.get())};
  }

  Picture decode() const {
    limit_sizes();
    const bool alpha = heif_image_handle_has_alpha_channel(handle_.get()) != 0;
    if (alpha && format_ == PhotoFormat::kAvif) try_auxiliary_images();
    const Owned<heif_image> image =
        decoded(handle_.get(), heif_colorspace_RGB, alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB);
    const int width = heif_image_get_primary_width(image.get()), height = heif_image_get_primary_height(image.get());
    int stride = 0;
    const std::uint8_t* rows = heif_image_get_plane_readonly(image.get(), heif_channel_interleaved, &stride);
    if (rows == nullptr || width < 1 || height < 1) damaged("no pixels");
    Picture picture = new_picture(std::size_t(width), std::size_t(height), alpha ? 4 : 3);
    for (int y = 0; y < height; ++y)
      std::copy_n(rows + std::size_t(y) * std::size_t(stride), picture.row_values(),
                  &picture.values[std::size_t(y) * picture.row_values()]);
    const bool multiplied = alpha && heif_image_handle_is_premultiplied_alpha(handle_.get()) != 0;
    lay_on_white(picture, multiplied ? Alpha::kPremultiplied : Alpha::kSeparate);
    return picture;
  }

 private:
  // Sizes elsewhere in the file, as that of a grid of tiles, must not make libheif allocate more than the header says.
  // The stored picture may be larger than its visible part.
  void limit_sizes() const {
    const std::int64_t width = heif_image_handle_get_ispe_width(handle_.get());
    const std::int64_t height = heif_image_handle_get_ispe_height(handle_.get());
    const ImageHeader seen = header();
    const std::int64_t most = std::max(kMaxHidden, 4 * seen.width * seen.height);
    if (width < 0 || height < 0 || width * height > most) damaged("nearly all of the picture is cut off");
    if (!has_sound_hevc_headers(file_, most)) damaged("a broken or absurd header of its coded picture");
    const std::int64_t longest = std::max({width, height, seen.width, seen.height});
    heif_context_set_maximum_image_size_limit(context_.get(), static_cast<int>(longest) + 1);  // the limit is excluded
  }

  // libheif decodes alpha by the decoder of its own choice. Damaged data must not get there.
  void try_auxiliary_images() const {
    std::array<heif_item_id, 8> ids{};
    const int count = heif_image_handle_get_list_of_auxiliary_image_IDs(
        handle_.get(), LIBHEIF_AUX_IMAGE_FILTER_OMIT_DEPTH, ids.data(), static_cast<int>(ids.size()));
    for (int i = 0; i < count; ++i) {
      heif_image_handle* auxiliary = nullptr;
      check(heif_image_handle_get_auxiliary_image_handle(handle_.get(), ids[std::size_t(i)], &auxiliary));
      const Owned<heif_image_handle> owned(auxiliary);
      decoded(auxiliary, heif_colorspace_undefined, heif_chroma_undefined);
    }
  }

  Owned<heif_image> decoded(heif_image_handle* handle, heif_colorspace space, heif_chroma chroma) const {
    const Owned<heif_decoding_options> options(heif_decoding_options_alloc());
    if (options == nullptr) throw std::bad_alloc();
    options->convert_hdr_to_8bit = 1;
    options->strict_decoding = 1;
    options->decoder_id = format_ == PhotoFormat::kAvif ? kAv1Decoder : kHevcDecoder;
    heif_image* image = nullptr;
    check(heif_decode_image(handle, &image, space, chroma, options.get()));
    Owned<heif_image> owned(image);
    heif_error warning{};
    if (heif_image_get_decoding_warnings(image, 0, &warning, 1) > 0) damaged(warning.message);
    return owned;
  }

  void check(const heif_error& error) const {
    if (error.code == heif_error_Ok) return;
    const bool own_limit = error.subcode == heif_suberror_Security_limit_exceeded;
    if (error.code == heif_error_Memory_allocation_error && !own_limit) throw std::bad_alloc();
    damaged(error.message);
  }

  // libheif's reasons may end with a line break, and hold bytes of the file.
  [[noreturn]] void damaged(const char* reason) const {
    std::string_view text = reason != nullptr ? reason : "damaged";
    while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
    throw BadPhoto(fmt::format("{} cannot be decoded ({}); get an intact copy, or convert it to JPEG", name_of(format_),
                               shown(text)));
  }

  FileBytes file_;
  PhotoFormat format_;
  Owned<heif_context> context_;
  Owned<heif_image_handle> handle_;
};

ImageHeader read_header(FileBytes file, PhotoFormat format) {
  // The file's end first: libheif has many words for it.
  if (is_cut_short(file)) throw BadPhoto(fmt::format("{} is cut short; get an intact copy", name_of(format)));
  return HeifPhoto(file, format).header();
}

}  // namespace

ImageHeader read_heic_header(FileBytes file) { return read_header(file, PhotoFormat::kHeic); }
ImageHeader read_avif_header(FileBytes file) { return read_header(file, PhotoFormat::kAvif); }

Picture decode_heic(FileBytes file) { return HeifPhoto(file, PhotoFormat::kHeic).decode(); }
Picture decode_avif(FileBytes file) { return HeifPhoto(file, PhotoFormat::kAvif).decode(); }

}  // namespace pleat
