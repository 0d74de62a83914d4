"""Encoding again: what a marker changed arrives, and nothing else is lost."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from assay.encoding import replace_pixels
from assay.errors import UnsupportedMedia
from assay.media import Media


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def brighter(media: Media, by: int = 4) -> np.ndarray:
    return np.clip(media.pixels().astype(int) + by, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("kind", "mode", "tolerance"),
    [
        ("PNG", "RGB", 0.0),
        ("PNG", "RGBA", 0.0),
        ("PNG", "L", 0.0),
        ("PNG", "LA", 0.0),
        ("PNG", "P", 0.6),
        ("TIFF", "RGB", 0.0),
        ("TIFF", "CMYK", 0.6),
        ("JPEG", "RGB", 2.0),
        ("JPEG", "L", 2.0),
        ("JPEG", "CMYK", 2.0),
        ("WEBP", "RGB", 3.0),
        ("AVIF", "RGB", 3.0),
        ("HEIF", "RGB", 3.0),
    ],
)
def test_the_change_arrives(astronaut: np.ndarray, kind: str, mode: str, tolerance: float) -> None:
    media = Media.from_bytes(encode(Image.fromarray(astronaut).convert(mode), kind))
    wanted = brighter(media)

    result = Media.from_bytes(replace_pixels(media, wanted))

    assert result.media_type == media.media_type
    difference = np.abs(result.pixels().astype(float) - wanted).mean()
    assert difference <= tolerance


def test_sixteen_bit_grey_keeps_its_depth() -> None:
    ramp = np.linspace(1000, 60000, 64 * 64).reshape(64, 64).astype(np.uint16)
    media = Media.from_bytes(encode(Image.fromarray(ramp), "PNG"))

    data = replace_pixels(media, brighter(media, 1))

    with Image.open(io.BytesIO(data)) as result:
        values = np.asarray(result).astype(int)
    assert np.array_equal(values, ramp.astype(int) + 257)


def test_jpeg_tables_and_subsampling_are_kept(astronaut: np.ndarray) -> None:
    data = encode(Image.fromarray(astronaut), "JPEG", quality=61, subsampling=0)
    media = Media.from_bytes(data)
    with Image.open(io.BytesIO(replace_pixels(media, brighter(media)))) as result:
        before = Image.open(io.BytesIO(data))
        assert result.quantization == before.quantization
        assert result.layer[0][1:3] == (1, 1)  # luma sampled as densely as chroma: 4:4:4


def test_lossless_webp_stays_lossless(astronaut: np.ndarray) -> None:
    media = Media.from_bytes(encode(Image.fromarray(astronaut), "WEBP", lossless=True))
    wanted = brighter(media)
    assert np.array_equal(Media.from_bytes(replace_pixels(media, wanted)).pixels(), wanted)


def test_orientation_is_applied_once(coffee: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "a camera"
    media = Media.from_bytes(encode(Image.fromarray(coffee), "JPEG", exif=exif, quality=95))

    result = Media.from_bytes(replace_pixels(media, brighter(media)))

    assert (result.width, result.height) == (400, 600)
    with Image.open(io.BytesIO(result.data)) as image:
        assert 0x0112 not in image.getexif()
        assert image.getexif()[0x010F] == "a camera"


def test_icc_profile_and_text_are_kept(chelsea: np.ndarray) -> None:
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("Author", "somebody")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    media = Media.from_bytes(
        encode(Image.fromarray(chelsea), "PNG", icc_profile=profile, pnginfo=text)
    )
    with Image.open(io.BytesIO(replace_pixels(media, brighter(media)))) as result:
        assert result.info["icc_profile"] == profile
        assert result.text["Author"] == "somebody"


def test_what_cannot_be_rewritten_is_refused(astronaut: np.ndarray) -> None:
    picture = Image.fromarray(astronaut)
    gif = Media.from_bytes(encode(picture, "GIF"))
    animation = Media.from_bytes(
        encode(picture, "PNG", save_all=True, append_images=[picture.rotate(90)])
    )
    for media in (gif, animation):
        with pytest.raises(UnsupportedMedia):
            replace_pixels(media, brighter(media))
