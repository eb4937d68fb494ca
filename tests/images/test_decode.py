"""Every kind of picture is read alike; every broken one is an error with a hint."""

import struct
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from i2s_trt.arrays import Pixels
from i2s_trt.errors import ImageError
from i2s_trt.images.decode import DecodeOptions, decode, find_pictures


@pytest.fixture
def pixels() -> Pixels:
    """A smooth colourful picture, 24 high and 32 wide, with a bright corner that tells which way is up."""
    y, x = np.mgrid[0:24, 0:32]
    picture = np.stack([x * 6, y * 8, 128 + x - y], axis=-1).astype(np.uint8)
    picture[:8, :8] = 250
    return picture


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, colour: int, compressed: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", compressed) + chunk(b"IEND", b"")


def bomb(side: int) -> bytes:
    """A black picture in very few bytes."""
    squeeze, row = zlib.compressobj(9), b"\0" * (1 + 3 * side)
    return png(side, side, 8, 2, b"".join(squeeze.compress(row) for _ in range(side)) + squeeze.flush())


def refused(path: Path, *words: str) -> None:
    """Reading must fail with an error that names the file, says these words and has a hint."""
    with pytest.raises(ImageError) as caught:
        decode(path)
    text = str(caught.value)
    assert str(path) in text
    assert caught.value.hint
    for word in words:
        assert word in text


@pytest.mark.parametrize("kind", ["png", "webp", "bmp", "tiff", "gif"])
def test_lossless_formats_are_read_exactly(tmp_path: Path, pixels: Pixels, kind: str) -> None:
    path = tmp_path / f"picture.{kind}"
    image = Image.fromarray(pixels).quantize(64) if kind == "gif" else Image.fromarray(pixels)
    image.save(path, lossless=True)
    np.testing.assert_array_equal(decode(path), np.array(image.convert("RGB")))


def test_jpeg_is_read_closely(tmp_path: Path, pixels: Pixels) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=95, subsampling=0)
    assert np.abs(decode(tmp_path / "a.jpg").astype(int) - pixels).max() < 16


def test_grey_becomes_rgb(tmp_path: Path, pixels: Pixels) -> None:
    Image.fromarray(pixels[..., 0]).save(tmp_path / "a.png")
    np.testing.assert_array_equal(decode(tmp_path / "a.png"), np.repeat(pixels[..., :1], 3, axis=2))


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_sixteen_bit_grey_is_scaled_and_not_clipped(tmp_path: Path, suffix: str) -> None:
    deep = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(deep).save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(decode(tmp_path / f"a.{suffix}")[..., 1], np.arange(256).reshape(16, 16))


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
def test_float_tiff_is_scaled_by_its_own_white(tmp_path: Path, white: float) -> None:
    values = np.linspace(0, white, 256, dtype=np.float32).reshape(16, 16)
    Image.fromarray(values).save(tmp_path / "a.tiff")
    assert np.abs(decode(tmp_path / "a.tiff")[..., 0].astype(int) - np.arange(256).reshape(16, 16)).max() <= 1


def test_sixteen_bit_rgb_keeps_the_high_byte(tmp_path: Path) -> None:
    deep = np.arange(4 * 5 * 3, dtype=np.uint16).reshape(4, 5, 3) * 1000
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    (tmp_path / "a.png").write_bytes(png(5, 4, 16, 2, zlib.compress(rows)))
    assert np.abs(decode(tmp_path / "a.png").astype(int) - deep // 257).max() <= 1


def test_palette_with_transparency_shows_the_background(tmp_path: Path) -> None:
    image = Image.new("P", (4, 2), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((0, 0), 1)
    image.save(tmp_path / "a.png", transparency=0)
    found = decode(tmp_path / "a.png", DecodeOptions(background=(1, 2, 3)))
    assert found[0, 0].tolist() == [0, 0, 255]
    assert found[1, 3].tolist() == [1, 2, 3]


def test_rgba_is_laid_over_white_or_a_chosen_background(tmp_path: Path) -> None:
    Image.new("RGBA", (2, 2), (200, 100, 0, 128)).save(tmp_path / "a.png")
    assert np.abs(decode(tmp_path / "a.png")[0, 0].astype(int) - [227, 177, 127]).max() <= 1
    black = decode(tmp_path / "a.png", DecodeOptions(background=(0, 0, 0)))
    assert np.abs(black[0, 0].astype(int) - [100, 50, 0]).max() <= 1


def test_grey_with_alpha(tmp_path: Path) -> None:
    Image.new("LA", (2, 2), (0, 0)).save(tmp_path / "a.png")
    assert decode(tmp_path / "a.png").tolist() == [[[255] * 3] * 2] * 2


def test_transparent_colour_of_an_rgb_png(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2), (9, 9, 9)).save(tmp_path / "a.png", transparency=(9, 9, 9))
    assert (decode(tmp_path / "a.png") == 255).all()


def test_cmyk_jpeg(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16), (250, 10, 10)).convert("CMYK").save(tmp_path / "a.jpg")
    red, green, blue = decode(tmp_path / "a.jpg")[8, 8].tolist()
    assert red > 200
    assert max(green, blue) < 60


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(tmp_path: Path, pixels: Pixels, orientation: int) -> None:
    stored = {
        1: pixels, 2: pixels[:, ::-1], 3: pixels[::-1, ::-1], 4: pixels[::-1], 5: pixels.transpose(1, 0, 2),
        6: np.rot90(pixels), 7: pixels[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(pixels, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(decode(tmp_path / "a.png"), pixels)


def test_damaged_exif_is_ignored(tmp_path: Path, pixels: Pixels) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12\0\x03")
    np.testing.assert_array_equal(decode(tmp_path / "a.png"), pixels)


def test_a_colour_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4), (200, 60, 60)).save(tmp_path / "a.png", icc_profile=swapped_primaries())
    red, green, blue = decode(tmp_path / "a.png")[0, 0].tolist()
    assert green > 150
    assert max(red, blue) < 100


def swapped_primaries() -> bytes:
    """sRGB's profile with the red and green primaries exchanged: an unmistakable conversion."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")


@pytest.mark.parametrize("profile", [b"nonsense", b"\0" * 200, ImageCms.ImageCmsProfile(
    ImageCms.createProfile("LAB")).tobytes()], ids=["text", "zeros", "other colour space"])  # fmt: skip
def test_a_broken_profile_is_ignored(tmp_path: Path, pixels: Pixels, profile: bytes) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_array_equal(decode(tmp_path / "a.png"), pixels)


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_the_first_frame_of_an_animation(tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ((255, 0, 0), (0, 255, 0))]
    frames[0].save(tmp_path / f"a.{kind}", save_all=True, append_images=frames[1:], lossless=True)
    assert decode(tmp_path / f"a.{kind}")[4, 4].tolist() == [255, 0, 0]


@pytest.mark.parametrize("part", [0.05, 0.3, 0.5, 0.9, 0.99])
def test_a_truncated_jpeg_is_refused(tmp_path: Path, astronaut: Path, part: float) -> None:
    buffer = BytesIO()
    Image.open(astronaut).save(buffer, "JPEG")
    (tmp_path / "half.jpg").write_bytes(buffer.getvalue()[: int(part * buffer.tell())])
    refused(tmp_path / "half.jpg")


@pytest.mark.parametrize("part", [0.001, 0.5, 0.99])
def test_a_truncated_png_is_refused(tmp_path: Path, astronaut: Path, part: float) -> None:
    data = astronaut.read_bytes()
    (tmp_path / "half.png").write_bytes(data[: int(part * len(data))])
    refused(tmp_path / "half.png")


def test_a_flipped_byte_in_a_png_is_refused(tmp_path: Path, pixels: Pixels) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.png")
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[data.index(b"IDAT") + 20] ^= 0xFF
    (tmp_path / "a.png").write_bytes(data)
    refused(tmp_path / "a.png", "damaged")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells the peak memory")
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb(20_000))
    assert path.stat().st_size < 2_000_000
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from i2s_trt.images.decode import decode\n"
        "try: decode(Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
        "status = Path('/proc/self/status').read_text().split()\n"
        "print(status[status.index('VmHWM:') + 1])\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    *message, peak_kib = done.stdout.splitlines()
    assert message[0].startswith("ImageError")
    assert "128 megapixels" in message[0]
    assert "hint: scale" in message[1]
    assert int(peak_kib) < 300_000  # the pixels alone would be 1.2 million


def test_the_limit_can_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(bomb(100))
    with pytest.raises(ImageError, match=r"100 x 100 pixels; the limit is 0.005 megapixels"):
        decode(tmp_path / "a.png", DecodeOptions(max_pixels=5000))
    assert decode(tmp_path / "a.png").shape == (100, 100, 3)


def test_a_png_whose_header_promises_more_rows_is_refused(tmp_path: Path) -> None:
    rows = (b"\0" + b"\x80" * 30) * 10
    (tmp_path / "a.png").write_bytes(png(10, 5000, 8, 2, zlib.compress(rows)))
    refused(tmp_path / "a.png", "truncated")


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_whole_pngs_of_all_sizes_are_not_mistaken_for_short_ones(tmp_path: Path, mode: str) -> None:
    for size in ((1, 1), (3, 7), (9, 2), (2000, 700)):
        Image.new(mode, size).save(tmp_path / "a.png")
        assert decode(tmp_path / "a.png").shape == (*size[::-1], 3)


def test_an_interlaced_png_is_read_and_a_short_one_refused(tmp_path: Path) -> None:
    passes = [(1, 1), (1, 1), (1, 2), (2, 1), (1, 3), (3, 2), (2, 5)]  # rows and columns of 5 x 5 pixels
    data = b"".join(rows * (b"\0" + b"\x80" * columns) for rows, columns in passes)
    for content, path in ((data, tmp_path / "a.png"), (data[:-6], tmp_path / "short.png")):
        interlaced = struct.pack(">IIBBBBB", 5, 5, 8, 0, 0, 0, 1)
        body = chunk(b"IHDR", interlaced) + chunk(b"IDAT", zlib.compress(content)) + chunk(b"IEND", b"")
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    assert (decode(tmp_path / "a.png") == 128).all()
    refused(tmp_path / "short.png", "truncated")


def test_a_text_file_named_jpg_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("this is no picture\n" * 50)
    refused(tmp_path / "a.jpg", "not a picture", "PNG, JPEG")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    refused(tmp_path / "a.jpg", "not a picture")


def test_an_svg_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    refused(tmp_path / "a.svg", "convert it")


def test_a_telephones_jpeg_with_two_pictures_is_read(tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (16, 16), colour) for colour in ((255, 0, 0), (0, 255, 0)))
    first.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[second])
    red, green, _ = decode(tmp_path / "a.jpg")[8, 8].tolist()
    assert (red > 240, green < 15) == (True, True)


def test_a_postscript_file_is_not_handed_to_ghostscript(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    refused(tmp_path / "a.png", "not a picture")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "a.jpg", "does not exist")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "is a folder")


def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    refused(tmp_path / "a.jpg" / "b.jpg", "cannot be read")


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("a.jpg")
    refused(tmp_path / "a.jpg", "cannot be read")


def test_pictures_of_a_folder_come_by_name_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "notes.txt", "._a.jpg", "c.webp"):
        (tmp_path / name).touch()
    (tmp_path / "d.png").mkdir()
    assert [path.name for path in find_pictures(tmp_path)] == ["a.jpg", "b.PNG", "c.webp"]
