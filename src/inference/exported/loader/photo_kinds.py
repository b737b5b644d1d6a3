"""Which photos are read and which are refused: the rules of `pleat prepare`, by the first bytes and the header."""
import errno
import os
import stat
import struct
import zlib

MOST_FILE_BYTES = 256 << 20
MOST_PIXELS, MOST_STREAMED_PIXELS = 100_000_000, 250_000_000  # of all formats; of a JPEG that is decoded row by row
MOST_SCANS = 100  # of a JPEG
FAULTS = (errno.EACCES, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO)  # of the photo; ENXIO: a socket
PALETTE = 3  # colour type of a PNG
TURNING_TEXTS = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")  # PNG texts that may hold an orientation


class BadPhoto(ValueError):
    """A photo that is refused. Its text gives the reason and the remedy."""


def bytes_of(path):
    """Returns a file's content. Raises OSError for what is not the photo's fault: too many open files, a failing disk."""
    try:
        # Non-blocking: a pipe without a writer would block for ever.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BadPhoto("a pipe or device, not a file")
            if status.st_size > MOST_FILE_BYTES:
                raise BadPhoto(f"file of {status.st_size >> 20} MiB, at most {MOST_FILE_BYTES >> 20} are read; shrink it")
            return file.read()
    except IsADirectoryError:
        raise BadPhoto("a folder, not a file") from None
    except (FileNotFoundError, NotADirectoryError):
        link = os.path.islink(path) and os.readlink(path)
        raise BadPhoto(f"a link to {link}, which does not exist; replace it by the photo" if link else "no such file") from None
    except OSError as error:
        if error.errno not in FAULTS:
            raise
        raise BadPhoto(f"cannot be read ({error.strerror})") from None


def known_kind(data):
    """Returns JPEG, PNG, WEBP, BMP, TIFF, GIF, HEIC or AVIF, and the file to decode. Checks what needs no decoder."""
    for starts, name, check in KINDS:
        if data.startswith(starts):
            if name == "WEBP" and data[8:12] != b"WEBP" or name == "BMP" and is_text(data):
                continue
            return name, check(data) or data
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF", data  # tiff_kind.py checks it
    media = base_media(data)
    if not media:
        refuse_unknown(data)
    check_base_media(data, media)
    return media, data


def refuse_unknown(data):
    if not data:
        raise BadPhoto("empty file; get an intact copy")
    for start, name in [(b"\0\0\0\x0cjP  ", "JPEG 2000 photo"), (b"\0\0\0\x0cJXL ", "JPEG XL photo"), (b"\xff\x0a", "JPEG XL photo"),
                        (b"8BPS", "Photoshop document"), (b"%PDF", "PDF document"), (b"PK\x03\x04", "zip archive")]:
        if data.startswith(start):
            raise BadPhoto(f"{name}; convert it to JPEG or PNG")
    if data.startswith(b"version https://git-lfs"):
        raise BadPhoto("Git LFS pointer; run git lfs pull")
    if data[4:8] == b"ftyp":
        raise BadPhoto("a video or raw photo; leave it out, or convert it to JPEG")
    if is_text(data):
        raise BadPhoto("text, not a photo; download the photo again")
    raise BadPhoto("nothing but zeros; get an intact copy" if not any(data) else
                   "not a photo; JPEG, PNG, WebP, BMP, TIFF, GIF, HEIC and AVIF are read")


def is_text(data):
    return all(32 <= byte != 127 or byte in b"\n\r\t" for byte in data[:64])


def number(data, at, size, order="little"):
    return int.from_bytes(data[at:at + size], order)


def check_jpeg(data):
    """Walks to the end marker of the first picture. Source: ISO/IEC 10918-1, annex B."""
    at, frame, scanned, scans = 2, None, set(), 0
    while at + 1 < len(data):
        marker = data[at + 1]
        if data[at] != 0xFF or marker == 0xFF:
            at += 1
            continue
        at += 2
        if marker == 0xD9:
            if frame is None or not scans:
                raise BadPhoto("JPEG without a picture; get an intact copy")
            if not set(frame) <= scanned:
                raise BadPhoto("JPEG lacks the scans of some channels; get an intact copy")
            return
        if marker in (0, 1) or 0xD0 <= marker <= 0xD8:
            continue
        length = number(data, at, 2, "big")
        segment = data[at + 2:at + length]
        if length < 2 or len(segment) < length - 2:
            break
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if frame is not None:
                raise BadPhoto("JPEG with two frame headers; save it again")
            frame = jpeg_channels(segment)
        at += length
        if marker == 0xEE and segment.startswith(b"Adobe") and len(segment) < 12:
            raise BadPhoto("JPEG with a broken Adobe segment, which names its colours; get an intact copy")
        if marker == 0xDA:
            scans += 1
            scanned |= set(segment[1:1 + 2 * segment[0]:2]) if segment else set()
            if scans > MOST_SCANS:
                raise BadPhoto(f"JPEG with more than {MOST_SCANS} scans; save it again")
            at = end_of_coded_data(data, at)
    raise BadPhoto("JPEG is cut short (no end-of-image marker); get an intact copy")


def jpeg_channels(segment):
    """Returns the names of the channels in a frame's header."""
    if len(segment) < 6 or len(segment) < 6 + 3 * segment[5]:
        raise BadPhoto("JPEG with a broken frame header; get an intact copy")
    if segment[0] != 8:
        raise BadPhoto(f"JPEG with {segment[0]} bits per channel, expected 8; convert it")
    if segment[5] not in (1, 3, 4):
        raise BadPhoto(f"JPEG with {segment[5]} channels, expected 1, 3 or 4; convert it")
    return segment[6:6 + 3 * segment[5]:3]


def end_of_coded_data(data, at):
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        following = data[at + 1]
        if following not in (0, 0xFF) and not 0xD0 <= following <= 0xD7:
            return at
        at += 1 if following == 0xFF else 2
    return len(data)


def check_png(data):
    """Checks the order of chunks and their checksums. Returns the file without optional chunks whose checksum is wrong:
    libpng skips them, and Pillow refuses the file. Source: ISO/IEC 15948."""
    at, begun, palette, kept = 8, False, False, [data[:8]]
    while at + 12 <= len(data):
        length, kind = number(data, at, 4, "big"), data[at + 4:at + 8]
        if length > len(data) - at - 12:
            break
        if (kind == b"IHDR") == begun or not begun and length != 13:
            raise BadPhoto("PNG with a broken header; get an intact copy")
        begun, end = True, at + length + 12
        sound = zlib.crc32(data[at + 4:end - 4]) == number(data, end - 4, 4, "big")
        needed = kind[0] & 0x20 == 0 or kind in (b"tRNS", b"eXIf") or data.startswith(TURNING_TEXTS, at + 8)
        if not sound and needed:
            raise BadPhoto(f"PNG is damaged (chunk {kind.decode('latin-1')} has the wrong checksum); get an intact copy")
        palette |= kind == b"PLTE"
        if kind == b"IDAT" and data[25] == PALETTE and not palette:
            raise BadPhoto("PNG without its palette; get an intact copy")
        if sound:
            kept.append(data[at:end])
        if kind == b"IEND":
            return b"".join(kept)
        at = end
    raise BadPhoto("PNG is cut short (no end chunk); get an intact copy")


def check_webp(data):
    end, at, pictures = 8 + number(data, 4, 4), 12, 0
    while at + 8 <= end:
        kind, length = data[at:at + 4], number(data, at + 4, 4)
        if end > len(data) or length > end - at - 8:
            raise BadPhoto("WebP is cut short; get an intact copy")
        if kind in (b"ANIM", b"ANMF"):
            raise BadPhoto("animated WebP; save one of its pictures as JPEG or PNG")
        pictures += kind in (b"VP8 ", b"VP8L")
        at += 8 + length + length % 2
    if pictures != 1:
        raise BadPhoto(f"WebP {'with a broken header' if pictures else 'without a picture'}; get an intact copy")


def check_bmp(data):
    header, bits, packing = number(data, 14, 4), number(data, 28, 2), number(data, 30, 4)
    if header < 40 or header > len(data) - 14:
        raise BadPhoto(f"BMP with a header of {header} bytes; save it again as PNG")
    if packing not in (0, 3) or packing == 3 and bits != 32:
        raise BadPhoto(f"BMP of {bits} bits with compression {packing}; save it as PNG")
    if bits not in (1, 4, 8, 24, 32):
        raise BadPhoto(f"BMP of {bits} bits, expected 1, 4, 8, 24 or 32; save it as PNG")
    if packing == 3:
        masks = [number(data, 54 + 4 * i, 4) for i in range(4 if header >= 56 else 3)]
        if any(mask not in (0xFF, 0xFF00, 0xFF0000, 0xFF000000) and (mask or i < 3) for i, mask in enumerate(masks)):
            raise BadPhoto("BMP with unusual channels; save it as PNG")
    width, height = struct.unpack("<ii", data[18:26])
    if (width * bits + 31) // 32 * 4 * abs(height) > len(data) - number(data, 10, 4):
        raise BadPhoto("BMP is cut short; get an intact copy")


def check_gif(data):
    """Walks through the blocks to the trailer. Source: GIF89a."""
    at, picture = 13 + palette_bytes(data[10:11]), False
    while at < len(data) and data[at] in b"!,":
        picture = picture or data[at:at + 1] == b","
        at += 2 if data[at:at + 1] == b"!" else 11 + palette_bytes(data[at + 9:at + 10])
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    if data[at:at + 1] != b";":
        raise BadPhoto("GIF is cut short or damaged; get an intact copy")
    if not picture:
        raise BadPhoto("GIF without a picture; get an intact copy")


def palette_bytes(flags):
    return 6 << (flags[0] & 7) if flags and flags[0] & 0x80 else 0


def base_media(data):
    """Returns HEIC or AVIF by the brands of a file. Source: ISO/IEC 14496-12, 4.3."""
    if len(data) < 12 or data[4:8] != b"ftyp":
        return None
    end = max(12, min(number(data, 0, 4, "big"), len(data)))
    brands = {data[8:12], *(data[at:at + 4] for at in range(16, end - 3, 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIC" if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"} else None


def check_base_media(data, name):
    at = 0
    while len(data) - at >= 8:
        size, known = number(data, at, 4, "big"), data[at + 4:at + 8] in (b"ftyp", b"meta", b"mdat", b"moov", b"free")
        if size == 1:
            size = number(data, at + 8, 8, "big")
        elif size == 0:
            return
        if size < 8 or size > len(data) - at:
            if known:
                raise BadPhoto(f"{name} is cut short; get an intact copy")
            return
        at += size


KINDS = [(b"\xff\xd8\xff", "JPEG", check_jpeg), (b"\x89PNG\r\n\x1a\n", "PNG", check_png), (b"RIFF", "WEBP", check_webp),
         (b"GIF87a", "GIF", check_gif), (b"GIF89a", "GIF", check_gif), (b"BM", "BMP", check_bmp)]
