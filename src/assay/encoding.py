"""From changed pixels back to a file of the same kind.

A marker works on `Media.pixels()`: upright sRGB, 8 bits, no alpha. What it changed is
carried back to the picture as it was stored, so that alpha, bit depth of grey pictures,
ICC profile, compression settings and descriptive metadata survive.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps, JpegImagePlugin

from assay.decoding import open_image
from assay.errors import UnsupportedMedia
from assay.upright import grey_steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assay.media import Media

# libjpeg's own default is 75; a picture that arrives without tables (CMYK) gets this.
_JPEG_QUALITY = 92
# Lossy WebP and AVIF do not store their quality, so it cannot be kept.
_WEBP_QUALITY = 92
_AVIF_QUALITY = 90
_HEIC_QUALITY = 90
# TIFF 6.0 section 8: ImageDescription, Make, Model, Software, DateTime, Artist, Copyright.
_DESCRIPTIVE_TAGS = (270, 271, 272, 305, 306, 315, 33432)


def replace_pixels(media: Media, marked: NDArray[np.uint8]) -> bytes:
    """Encode `media` again with its pixels changed from `media.pixels()` to `marked`.

    Args:
        media: a still picture: JPEG, PNG, WebP, AVIF, HEIC or TIFF.
        marked: upright sRGB uint8, HxWx3, same height and width as `media.pixels()`.

    Returns:
        The bytes of the new file; orientation is applied and its tag removed.

    Raises:
        UnsupportedMedia: an animation, a palette format, or a video.
    """
    if media.media_type not in _ENCODERS:
        raise UnsupportedMedia(
            f"{media.name or 'input'}: pixels of {media.media_type} cannot be rewritten faithfully",
            advice="convert it to PNG, JPEG, WebP, AVIF, HEIC or TIFF first",
        )
    if media.frames > 1:
        raise UnsupportedMedia(
            f"{media.name or 'input'}: an animation of {media.frames} frames cannot be rewritten"
        )
    delta = marked.astype(np.int16) - media.pixels().astype(np.int16)
    with open_image(media.data, media.media_type, media.name or "input", media.limits) as stored:
        stored.load()
        changed = _apply(ImageOps.exif_transpose(stored), delta)
        options = _ENCODERS[media.media_type](stored, media.data) | _kept_metadata(stored)
    buffer = io.BytesIO()
    changed.save(buffer, _FORMAT_NAMES[media.media_type], **options)
    return buffer.getvalue()


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG of sRGB uint8 pixels, HxWx3."""
    buffer = io.BytesIO()
    Image.fromarray(pixels, "RGB").save(buffer, "PNG")
    return buffer.getvalue()


def encode_jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """A JPEG (4:2:0) of sRGB uint8 pixels, HxWx3."""
    buffer = io.BytesIO()
    Image.fromarray(pixels, "RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _apply(image: Image.Image, delta: NDArray[np.int16]) -> Image.Image:
    """`image` plus `delta` (HxWx3, in 8-bit steps), in the mode it was stored in."""
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        scale = grey_steps(image.mode, values)
        grey = np.rint(delta.mean(axis=2)).astype(np.int64) * scale
        return Image.fromarray(np.clip(values + grey, 0, 65535).astype(np.uint16))
    if image.mode == "L":
        return Image.fromarray(_add(np.asarray(image), delta.mean(axis=2)), "L")
    if image.mode in ("LA", "La"):
        grey_alpha = np.asarray(image.convert("LA")).copy()
        grey_alpha[..., 0] = _add(grey_alpha[..., 0], delta.mean(axis=2))
        return Image.fromarray(grey_alpha, "LA")
    if image.mode in ("RGBA", "PA", "RGBa") or "transparency" in image.info:
        rgba = np.asarray(image.convert("RGBA")).copy()
        rgba[..., :3] = _add(rgba[..., :3], delta)
        return Image.fromarray(rgba, "RGBA")
    return Image.fromarray(_add(np.asarray(image.convert("RGB")), delta), "RGB")


def _add(values: NDArray[np.uint8], delta: NDArray[Any]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(values + delta), 0, 255), np.uint8)


def _kept_metadata(stored: Image.Image) -> dict[str, Any]:
    """EXIF without orientation, XMP, and the ICC profile when the channels still fit it."""
    kept: dict[str, Any] = {}
    exif = stored.getexif()
    if exif and stored.format == "TIFF":
        # The rest of a TIFF's tags describe its old layout, not the picture.
        kept["tiffinfo"] = {tag: exif[tag] for tag in _DESCRIPTIVE_TAGS if tag in exif}
    elif exif:
        exif.pop(0x0112, None)
        kept["exif"] = exif.tobytes()
    if (xmp := stored.info.get("xmp")) and stored.format in ("JPEG", "WEBP", "AVIF", "HEIF"):
        kept["xmp"] = xmp
    if (profile := stored.info.get("icc_profile")) and stored.mode != "CMYK":
        kept["icc_profile"] = profile
    if stored.info.get("dpi"):
        kept["dpi"] = stored.info["dpi"]
    return kept


def _jpeg_options(stored: Image.Image, data: bytes) -> dict[str, Any]:
    """The quantisation tables and chroma subsampling the picture was stored with."""
    tables = getattr(stored, "quantization", None)
    if not tables or stored.mode == "CMYK":
        return {"quality": _JPEG_QUALITY}
    options: dict[str, Any] = {"qtables": tables}
    if stored.mode == "RGB":
        sampling = JpegImagePlugin.get_sampling(stored)
        options["subsampling"] = sampling if sampling >= 0 else 0
    return options


def _png_options(stored: Image.Image, data: bytes) -> dict[str, Any]:
    """Text chunks are kept; the metadata marker decides later what may stay."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, value in getattr(stored, "text", {}).items():
        info.add_itxt(key, str(value))
    return {"pnginfo": info}


def _webp_options(stored: Image.Image, data: bytes) -> dict[str, Any]:
    """Lossless stays lossless: such a file has a VP8L chunk and no VP8 chunk (RFC 9649)."""
    lossless = b"VP8L" in data[:4096] and b"VP8 " not in data[:4096]
    return {"lossless": lossless, "quality": _WEBP_QUALITY, "method": 4}


def _tiff_options(stored: Image.Image, data: bytes) -> dict[str, Any]:
    compression = stored.info.get("compression", "raw")
    lossless = {"raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "tiff_deflate"}
    return {"compression": compression if compression in lossless else "tiff_adobe_deflate"}


_ENCODERS: dict[str, Callable[[Image.Image, bytes], dict[str, Any]]] = {
    "image/jpeg": _jpeg_options,
    "image/png": _png_options,
    "image/webp": _webp_options,
    "image/avif": lambda stored, data: {"quality": _AVIF_QUALITY},
    "image/heic": lambda stored, data: {"quality": _HEIC_QUALITY},
    "image/tiff": _tiff_options,
}
_FORMAT_NAMES = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/heic": "HEIF",
    "image/tiff": "TIFF",
}
