// Decodes the first picture of a GIF through giflib. Source: GIF89a.
#include <fmt/format.h>
#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "data_tools/photos/formats.h"

namespace pleat {
namespace {

constexpr std::size_t kScreen = 13, kDescriptor = 10;  // bytes: signature and screen; a picture's descriptor
constexpr std::uint8_t kExtension = 0x21, kPicture = 0x2C, kTrailer = 0x3B;

[[noreturn]] void gif_cut_short() { throw BadPhoto("GIF is cut short (no trailer); get an intact copy"); }

// Bytes of the palette that a descriptor's flags announce.
std::size_t palette_bytes(std::uint8_t flags) { return (flags & 0x80) != 0 ? std::size_t{6} << (flags & 7) : 0; }

// Blocks of up to 255 bytes, each after its length, end with an empty one.
std::size_t skip_blocks(FileBytes file, std::size_t at) {
  while (at < file.size() && file[at] != 0) at += 1 + std::size_t{file[at]};
  return at + 1;
}

struct Side {
  std::int64_t begin = 0, extent = 0;
};

// The first picture's place on the screen, which grows if the picture reaches beyond it, as in Pillow.
struct GifLayout {
  std::int64_t width = 0, height = 0;
  Side across, down;
};

GifLayout read_layout(FileBytes file) {
  if (file.size() < kScreen) gif_cut_short();
  GifLayout layout{.width = little_endian(file.subspan(6, 2)),
                   .height = little_endian(file.subspan(8, 2)),
                   .across = {},
                   .down = {}};
  bool picture = false;
  for (std::size_t at = kScreen + palette_bytes(file[10]); at < file.size();) {
    const std::uint8_t kind = file[at];
    if (kind == kTrailer) {
      if (!picture) throw BadPhoto("GIF without a picture; get an intact copy");
      return layout;
    }
    if (kind == kExtension) {
      at = skip_blocks(file, at + 2);
    } else if (kind == kPicture) {
      if (at + kDescriptor > file.size()) gif_cut_short();
      const auto number = [&](std::size_t offset) { return std::int64_t{little_endian(file.subspan(at + offset, 2))}; };
      if (!picture) {
        layout.across = {number(1), number(5)}, layout.down = {number(3), number(7)};
        layout.width = std::max(layout.width, layout.across.begin + layout.across.extent);
        layout.height = std::max(layout.height, layout.down.begin + layout.down.extent);
      }
      picture = true;
      at = skip_blocks(file, at + kDescriptor + palette_bytes(file[at + 9]) + 1);
    } else {
      throw BadPhoto(fmt::format("GIF is damaged at byte {} (a block was expected); get an intact copy", at));
    }
  }
  gif_cut_short();
}

struct GifInput {
  FileBytes file;
  std::size_t at = 0;
};

int give_bytes(GifFileType* gif, GifByteType* to, int count) {
  auto& input = *static_cast<GifInput*>(gif->UserData);
  const std::size_t given = std::min(input.file.size() - input.at, static_cast<std::size_t>(std::max(0, count)));
  std::memcpy(to, input.file.data() + input.at, given);
  input.at += given;
  return static_cast<int>(given);
}

struct Close {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

class GifDecoder {
 public:
  explicit GifDecoder(FileBytes file) : layout_(read_layout(file)), input_{.file = file, .at = 0} {
    int error = 0;
    gif_.reset(DGifOpen(&input_, give_bytes, &error));
    if (gif_ == nullptr) damaged(error);
  }

  Picture decode() {
    const std::optional<int> transparent = read_to_picture();
    const ColorMapObject* palette = gif_->Image.ColorMap != nullptr ? gif_->Image.ColorMap : gif_->SColorMap;
    const auto width = static_cast<std::size_t>(layout_.width),
               across = static_cast<std::size_t>(layout_.across.extent);
    Picture picture = new_picture(width, static_cast<std::size_t>(layout_.height), 3);
    std::vector<std::uint8_t> row(std::max(width, across), static_cast<std::uint8_t>(transparent.value_or(0)));
    const auto paint = [&](std::int64_t x, std::int64_t y, std::size_t count) {
      paint_row({row.data(), count}, palette, transparent,
                &picture.values[std::size_t(y) * picture.row_values() + 3 * std::size_t(x)]);
    };
    for (std::int64_t y = 0; y < layout_.height; ++y) paint(0, y, width);  // what the picture leaves of the screen
    for (const std::int64_t y : row_order()) {
      if (DGifGetLine(gif_.get(), row.data(), static_cast<int>(across)) == GIF_ERROR) damaged(gif_->Error);
      paint(layout_.across.begin, layout_.down.begin + y, across);
    }
    return picture;
  }

 private:
  [[noreturn]] static void damaged(int error) {
    if (error == D_GIF_ERR_NOT_ENOUGH_MEM) throw std::bad_alloc();
    const char* reason = GifErrorString(error);
    throw BadPhoto(
        fmt::format("GIF cannot be decoded ({}); get an intact copy", reason != nullptr ? reason : "damaged"));
  }

  // Reads the extensions before the first picture, and its descriptor. Returns the transparent index.
  std::optional<int> read_to_picture() {
    std::optional<int> transparent;
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    while (record != IMAGE_DESC_RECORD_TYPE) {
      if (DGifGetRecordType(gif_.get(), &record) == GIF_ERROR) damaged(gif_->Error);
      if (record == TERMINATE_RECORD_TYPE) damaged(D_GIF_ERR_NO_IMAG_DSCR);
      if (record == EXTENSION_RECORD_TYPE) read_extension(transparent);
    }
    if (DGifGetImageDesc(gif_.get()) == GIF_ERROR) damaged(gif_->Error);
    return transparent;
  }

  void read_extension(std::optional<int>& transparent) {
    int code = 0;
    GifByteType* block = nullptr;  // its length, then its bytes
    GraphicsControlBlock control{};
    if (DGifGetExtension(gif_.get(), &code, &block) == GIF_ERROR) damaged(gif_->Error);
    if (code == GRAPHICS_EXT_FUNC_CODE && block != nullptr &&
        DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK && control.TransparentColor != NO_TRANSPARENT_COLOR)
      transparent = control.TransparentColor;
    while (block != nullptr) {
      if (DGifGetExtensionNext(gif_.get(), &block) == GIF_ERROR) damaged(gif_->Error);
    }
  }

  // Rows in the order of the file: an interlaced picture has four passes.
  std::vector<std::int64_t> row_order() const {
    std::vector<std::int64_t> rows;
    const auto pass = [&](std::int64_t from, std::int64_t step) {
      for (std::int64_t y = from; y < layout_.down.extent; y += step) rows.push_back(y);
    };
    if (gif_->Image.Interlace) {
      pass(0, 8), pass(4, 8), pass(2, 4), pass(1, 2);
    } else {
      pass(0, 1);
    }
    return rows;
  }

  static void paint_row(FileBytes indices, const ColorMapObject* palette, std::optional<int> transparent,
                        std::uint8_t* to) {
    for (const std::uint8_t index : indices) {
      GifColorType colour{index, index, index};  // without a palette: gray
      if (index == transparent) {
        colour = {255, 255, 255};
      } else if (palette != nullptr) {
        if (index >= palette->ColorCount) throw BadPhoto("GIF with colours that its palette lacks; get an intact copy");
        colour = palette->Colors[index];
      }
      *to++ = colour.Red, *to++ = colour.Green, *to++ = colour.Blue;
    }
  }

  GifLayout layout_;
  GifInput input_;
  std::unique_ptr<GifFileType, Close> gif_;
};

}  // namespace

ImageHeader read_gif_header(FileBytes file) {
  const GifLayout layout = read_layout(file);
  return {.format = PhotoFormat::kGif, .width = layout.width, .height = layout.height};
}

Picture decode_gif(FileBytes file) { return GifDecoder(file).decode(); }

}  // namespace pleat
