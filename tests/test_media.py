"""Media: what opens, how it is decoded, what is refused."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile

from assay.errors import (
    DamagedMedia,
    InputRefused,
    LimitExceeded,
    MisnamedFile,
    PolyglotFile,
    UnreadableFile,
    UnsupportedMedia,
)
from assay.limits import Limits
from assay.media import Media


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def mean_difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(float) - b.astype(float)).mean())


@pytest.mark.parametrize(
    ("kind", "media_type", "tolerance"),
    [
        ("JPEG", "image/jpeg", 4.0),
        ("PNG", "image/png", 0.0),
        ("WEBP", "image/webp", 5.0),
        ("AVIF", "image/avif", 5.0),
        ("HEIF", "image/heic", 5.0),
        ("TIFF", "image/tiff", 0.0),
        ("GIF", "image/gif", 12.0),
    ],
)
def test_formats(astronaut: np.ndarray, kind: str, media_type: str, tolerance: float) -> None:
    media = Media.from_bytes(encode(Image.fromarray(astronaut), kind))

    assert media.media_type == media_type
    assert (media.width, media.height, media.frames) == (512, 512, 1)
    assert media.pixels().shape == (512, 512, 3)
    assert mean_difference(media.pixels(), astronaut) <= tolerance


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "CMYK"])
def test_modes_become_rgb(astronaut: np.ndarray, mode: str) -> None:
    kind = "TIFF" if mode == "CMYK" else "PNG"
    media = Media.from_bytes(encode(Image.fromarray(astronaut).convert(mode), kind))

    expected = np.asarray(Image.fromarray(astronaut).convert(mode).convert("RGB"))
    assert media.pixels().dtype == np.uint8
    assert mean_difference(media.pixels(), expected) < 1.0


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256 * 16).reshape(16, 256).astype(np.uint16)
    media = Media.from_bytes(encode(Image.fromarray(ramp), "PNG"))

    expected = np.rint(ramp / 257.0).astype(np.uint8)
    assert np.array_equal(media.pixels()[..., 0], expected)


def test_transparency_is_composed_over_white() -> None:
    clear_red = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    assert Media.from_bytes(encode(clear_red, "PNG")).pixels().min() == 255


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(coffee: np.ndarray, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    media = Media.from_bytes(encode(Image.fromarray(coffee), "JPEG", quality=95, exif=exif))

    turned = orientation >= 5
    assert (media.height, media.width) == ((600, 400) if turned else (400, 600))
    assert media.pixels().shape[:2] == (media.height, media.width)


def test_icc_profile_is_converted_to_srgb() -> None:
    grey = Image.new("RGB", (16, 16), (200, 60, 60))
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    media = Media.from_bytes(encode(grey, "PNG", icc_profile=lab.tobytes()))
    assert mean_difference(media.pixels(), np.asarray(grey)) < 1.0


def test_a_broken_icc_profile_is_ignored() -> None:
    grey = Image.new("RGB", (16, 16), (200, 60, 60))
    media = Media.from_bytes(encode(grey, "PNG", icc_profile=b"not a profile" * 20))
    assert np.array_equal(media.pixels(), np.asarray(grey))


def test_animation_frames(astronaut: np.ndarray) -> None:
    first = Image.fromarray(astronaut)
    media = Media.from_bytes(
        encode(first, "WEBP", save_all=True, append_images=[first.rotate(90)], lossless=True)
    )
    frames = list(media.frames_iter())

    assert media.frames == len(frames) == 2
    assert np.array_equal(frames[0], astronaut)
    assert np.array_equal(frames[1], np.rot90(astronaut))


def test_video_frames(video: Path) -> None:
    media = Media.open(video)

    assert media.media_type == "video/mp4"
    assert (media.width, media.height) == (128, 96)
    assert len(list(media.frames_iter())) == 12
    assert media.seconds == pytest.approx(1.0, abs=0.1)


def test_pixels_cannot_be_written(chelsea: np.ndarray) -> None:
    media = Media.from_bytes(encode(Image.fromarray(chelsea), "PNG"))
    with pytest.raises(ValueError, match="read-only"):
        media.pixels()[0, 0, 0] = 1


class TestRefusals:
    def test_empty(self) -> None:
        with pytest.raises(InputRefused, match="empty"):
            Media.from_bytes(b"")

    def test_text_with_a_picture_name(self, tmp_path: Path) -> None:
        path = tmp_path / "letter.jpg"
        path.write_text("Dear newsroom,")
        with pytest.raises(UnsupportedMedia):
            Media.open(path)

    def test_missing_and_folder(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableFile, match="does not exist"):
            Media.open(tmp_path / "nothing.png")
        with pytest.raises(UnreadableFile, match="folder"):
            Media.open(tmp_path)

    def test_wrong_extension(self, save: Callable[..., Path], chelsea: np.ndarray) -> None:
        path = save(chelsea, "cat.jpg", format="PNG")
        with pytest.raises(MisnamedFile, match=r"named \.jpg but the content is image/png"):
            Media.open(path)
        assert Media.open(path, any_extension=True).media_type == "image/png"

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
    def test_truncated(
        self, astronaut: np.ndarray, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as WeasyPrint leaves it
        data = encode(Image.fromarray(astronaut), kind)
        with pytest.raises(DamagedMedia):
            Media.from_bytes(data[: len(data) // 2]).pixels()

    @pytest.mark.parametrize("size", [(1, 1), (1, 65535), (65535, 1)])
    def test_nothing_to_examine(self, size: tuple[int, int]) -> None:
        with pytest.raises(LimitExceeded, match="nothing to examine"):
            Media.from_bytes(encode(Image.new("L", size), "PNG"))

    def test_bomb_is_refused_from_its_header(self) -> None:
        with pytest.raises(LimitExceeded):
            Media.from_bytes(png_of_size(50_000, 50_000))

    def test_just_over_the_pixel_limit(self) -> None:
        with pytest.raises(LimitExceeded, match="the limit is 120 MP"):
            Media.from_bytes(png_of_size(12_001, 10_000))

    def test_a_tiff_of_very_many_pages_is_counted_without_opening_them(self) -> None:
        data = bytearray(encode(Image.new("L", (16, 16), 128), "TIFF"))
        (first,) = struct.unpack_from("<I", data, 4)
        (entries,) = struct.unpack_from("<H", data, first)
        size = 2 + 12 * entries
        directory = bytes(data[first : first + size])
        struct.pack_into("<I", data, first + size, len(data))
        for _ in range(20_000):
            data += directory + struct.pack("<I", len(data) + size + 4)
        with pytest.raises(LimitExceeded, match="more than 1,000 pages"):
            Media.from_bytes(bytes(data))

    def test_a_very_long_side(self) -> None:
        with pytest.raises(LimitExceeded, match="the limit for a side"):
            Media.from_bytes(png_of_size(14_000_000, 8))

    def test_video_frames_larger_than_the_header_says(self, lying_video: bytes) -> None:
        media = Media.from_bytes(lying_video)
        assert (media.width, media.height) == (64, 64)
        with pytest.raises(DamagedMedia, match="not of the size"):
            list(media.frames_iter())

    def test_too_many_bytes(self, chelsea: np.ndarray) -> None:
        with pytest.raises(LimitExceeded, match="the limit is 1,000"):
            Media.from_bytes(encode(Image.fromarray(chelsea), "PNG"), limits=Limits(max_bytes=1000))

    def test_too_long_a_video(self, video: Path) -> None:
        with pytest.raises(LimitExceeded, match="s of video"):
            Media.open(video, limits=Limits(max_seconds=0.2))

    @pytest.mark.parametrize(
        ("tail", "second"),
        [
            (b"PK\x03\x04rest of an archive", "ZIP archive"),
            (b"<html><script>alert(1)</script>", "web page"),
            (b"%PDF-1.7\n", "PDF document"),
            (b"\x7fELF\x02\x01", "program"),
        ],
    )
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
    def test_polyglot(self, chelsea: np.ndarray, kind: str, tail: bytes, second: str) -> None:
        with pytest.raises(PolyglotFile, match=second):
            Media.from_bytes(encode(Image.fromarray(chelsea), kind) + tail)

    def test_zip_that_ends_in_a_comment(self, chelsea: np.ndarray) -> None:
        end = b"PK\x05\x06" + b"\0" * 16 + struct.pack("<H", 5) + b"hello"
        with pytest.raises(PolyglotFile, match="ZIP"):
            Media.from_bytes(encode(Image.fromarray(chelsea), "TIFF") + end)

    def test_ordinary_trailing_bytes_are_accepted(self, chelsea: np.ndarray) -> None:
        assert Media.from_bytes(encode(Image.fromarray(chelsea), "JPEG") + b"\0" * 64).size


@given(st.binary(max_size=300))
def test_any_bytes_are_opened_or_refused(data: bytes) -> None:
    with contextlib.suppress(InputRefused):
        Media.from_bytes(data)


@given(st.data())
def test_damaged_headers_are_opened_or_refused(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"]))
    source = bytearray(encode(Image.new("RGB", (24, 24), (10, 200, 90)), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        source[data.draw(st.integers(0, len(source) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputRefused):
        Media.from_bytes(bytes(source)).pixels()


@pytest.fixture(scope="session")
def lying_video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A WebM whose track header says 64x64 and whose frames are 640x480."""
    path = tmp_path_factory.mktemp("lying") / "lie.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((480, 640, 3), np.uint8), format="rgb24")
        for packet in [*stream.encode(frame), *stream.encode()]:
            container.mux(packet)
    data = path.read_bytes()
    # Matroska PixelWidth (0xB0) and PixelHeight (0xBA), two bytes each (RFC 9559, 5.1.4.1.28).
    data = data.replace(b"\xb0\x82" + struct.pack(">H", 640), b"\xb0\x82\x00\x40", 1)
    return data.replace(b"\xba\x82" + struct.pack(">H", 480), b"\xba\x82\x00\x40", 1)


def png_of_size(width: int, height: int) -> bytes:
    """A valid PNG header for a picture whose rows never come."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    end = chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + end


def test_a_reading_that_several_need_is_done_once(
    save: Callable[..., Path], astronaut: np.ndarray
) -> None:
    media = Media.open(save(astronaut[:64, :64], "a.png"))
    calls = []

    def work() -> int:
        calls.append(1)
        return len(calls)

    assert [media.once("key", work), media.once("key", work)] == [1, 1]
    assert media.once("other", work) == 2
    assert replace(media, name="b").once("key", work) == 3


def test_video_in_an_unknown_codec(video: Path) -> None:
    data = video.read_bytes().replace(b"avc1", b"av\x001")

    with pytest.raises(InputRefused):
        Media.from_bytes(data)
