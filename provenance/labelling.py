"""Labels in a file's own metadata: IPTC digital source type and the GB 45438 AIGC label.

Written without decoding the picture, before the manifest seals the file, so that readers
that know nothing of C2PA still see them.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from assay.errors import LimitExceeded, MarkFailed
from assay.extending import MarkingContext
from assay.media import Media
from assay.provenance.embedded import extract
from assay.provenance.metadata import find_aigc
from assay.provenance.vocabulary import DigitalSourceType, find_source_type
from assay.settings import settings

_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_AIGC = "http://www.tc260.org.cn/ns/AIGC/1.0/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_OLD = re.compile(
    r"""\s+(?:Iptc4xmpExt:DigitalSourceType|TC260:AIGC)\s*=\s*(?:"[^"]*"|'[^']*')"""
    r"|<(Iptc4xmpExt:DigitalSourceType|TC260:AIGC)>.*?</\1>",
    re.DOTALL,
)
_XMP_JPEG = b"http://ns.adobe.com/xap/1.0/\x00"
_MAX_SEGMENT = 65_533
_PNG_KEYWORD = b"XML:com.adobe.xmp"

_SOURCE_TYPES = {
    "generated": DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA,
    "edited": DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA,
    "captured": DigitalSourceType.DIGITAL_CAPTURE,
    "composite": DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA,
}


@dataclass(frozen=True)
class AigcLabel:
    """The implicit label of GB 45438-2025, appendix E.

    Attributes:
        label: "1" is, "2" may be, "3" is suspected to be AI-generated.
        content_producer: name or code of the service that generated it.
        produce_id: the producer's number of this content.
        content_propagator, propagate_id: of the service that spreads it.
    """

    content_producer: str
    produce_id: str
    label: str = "1"
    content_propagator: str = ""
    propagate_id: str = ""

    def to_json(self) -> str:
        return json.dumps(
            {
                "Label": self.label,
                "ContentProducer": self.content_producer,
                "ProduceID": self.produce_id,
                "ReservedCode1": "",
                "ContentPropagator": self.content_propagator,
                "PropagateID": self.propagate_id,
                "ReservedCode2": "",
            },
            ensure_ascii=False,
        )


class MetadataMarker:
    """Writes the profile's IPTC source type, and for AI output the AIGC label if configured.

    JPEG, PNG and WebP; other formats pass unchanged, with a note in the context. The AIGC
    label needs `ASSAY_CONTENT_PRODUCER`, the code that the producer registered.
    """

    name = "metadata"
    version = "1"
    order = 30

    def mark(self, media: Media, context: MarkingContext) -> Media:
        """Label `media` for `context.profile`.

        Raises:
            MarkFailed: the labels do not read back.
        """
        if context.profile not in _SOURCE_TYPES:
            return media  # nothing was created or changed; what the file says stays
        if media.media_type not in _WRITERS:
            context.notes["metadata"] = f"not written: {media.media_type}"
            return media
        producer = settings().content_producer
        aigc = None
        if producer and context.profile != "captured":
            aigc = AigcLabel(producer, context.manifest_label.rpartition(":")[2])
        chosen = context.options.get("source_type")
        source_type = DigitalSourceType.parse(chosen) if chosen else _SOURCE_TYPES[context.profile]
        return label(media, source_type, aigc)


def label(media: Media, source_type: DigitalSourceType, aigc: AigcLabel | None = None) -> Media:
    """A copy with these labels in its XMP; other metadata and all pixels stay.

    Raises:
        KeyError: not JPEG, PNG or WebP.
        MarkFailed: the labels do not read back.
    """
    old = find_packet(media)
    data = _WRITERS[media.media_type](media, merge(old, source_type, aigc))
    labelled = Media.from_bytes(data, name=media.name, limits=media.limits)
    found = extract(labelled)
    types = [find_source_type(text) for text in found.xmp.values(_IPTC, "DigitalSourceType")]
    produced = (find_aigc(found) or {}).get("ProduceID")
    if types != [source_type] or produced != (aigc.produce_id if aigc else produced):
        raise MarkFailed(f"{media.name or 'input'}: the metadata labels do not read back")
    return labelled


def merge(packet: str, source_type: DigitalSourceType, aigc: AigcLabel | None) -> str:
    """An XMP packet with the labels, in place of older ones, next to whatever it held."""
    attributes = f"xmlns:Iptc4xmpExt={quoteattr(_IPTC)}"
    attributes += f" Iptc4xmpExt:DigitalSourceType={quoteattr(str(source_type))}"
    if aigc is not None:
        attributes += f" xmlns:TC260={quoteattr(_AIGC)} TC260:AIGC={quoteattr(aigc.to_json())}"
    description = f'<rdf:Description rdf:about="" {attributes}/>'
    kept = _OLD.sub("", packet)
    before, found, after = kept.rpartition("</rdf:RDF>")
    if found:
        return f"{before}{description}{found}{after}"
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f"<rdf:RDF xmlns:rdf={quoteattr(_RDF)}>{description}</rdf:RDF></x:xmpmeta>"
    )


def find_packet(media: Media) -> str:
    """The XMP packet of a JPEG, PNG or WebP file, or nothing.

    Raises:
        LimitExceeded: over 64 KB, more than a JPEG could hold.
    """
    blocks = {
        "image/jpeg": lambda: (body for _, _, kind, body in _segments(media.data) if kind == 0xE1),
        "image/png": lambda: (body for _, _, kind, body in _chunks(media.data) if kind == b"iTXt"),
        "image/webp": lambda: (body for _, _, kind, body in _riff(media.data) if kind == b"XMP "),
    }[media.media_type]()
    for body in blocks:
        start, end = body.find(b"<x:xmpmeta"), body.rfind(b"</x:xmpmeta>")
        if end - start > _MAX_SEGMENT:
            raise LimitExceeded(f"{media.name or 'input'}: XMP packet over 64 KB")
        if 0 <= start < end:
            return body[start : end + 12].decode("utf-8", "replace")
    return ""


_Blocks = list[tuple[int, int, object, bytes]]


def _segments(data: bytes) -> _Blocks:
    """Start, end, marker and body of every JPEG segment before the scan."""
    found: _Blocks = []
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] not in (0xDA, 0xD9):
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        found.append((at, at + 2 + length, data[at + 1], data[at + 4 : at + 2 + length]))
        at += 2 + max(length, 2)
    return found


def _chunks(data: bytes) -> _Blocks:
    """Start, end, type and body of every PNG chunk."""
    found: _Blocks = []
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 8 : at + 8 + length]
        found.append((at, at + 12 + length, data[at + 4 : at + 8], body))
        at += 12 + length
    return found


def _riff(data: bytes) -> _Blocks:
    """Start, end, type and body of every RIFF chunk of a WebP file."""
    found: _Blocks = []
    at = 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + length + (length & 1)
        found.append((at, end, data[at : at + 4], data[at + 8 : at + 8 + length]))
        at = end
    return found


def _without(data: bytes, blocks: _Blocks) -> bytes:
    for start, end, _, _ in reversed(blocks):
        data = data[:start] + data[end:]
    return data


def _into_jpeg(media: Media, packet: str) -> bytes:
    """APP1, after the JFIF and Exif segments, which have to come first."""
    old = [block for block in _segments(media.data) if block[3].startswith(_XMP_JPEG)]
    data = _without(media.data, old)
    at = 2
    for _, end, marker, body in _segments(data):
        if marker == 0xE0 or (marker == 0xE1 and body.startswith(b"Exif")):
            at = end
    body = _XMP_JPEG + packet.encode()
    if len(body) > _MAX_SEGMENT:
        raise MarkFailed(f"{media.name or 'input'}: its XMP packet is too long for one segment")
    return data[:at] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[at:]


def _into_png(media: Media, packet: str) -> bytes:
    """An uncompressed iTXt chunk directly after the header, as XMP part 3 asks."""
    old = [block for block in _chunks(media.data) if block[3].startswith(_PNG_KEYWORD)]
    data = _without(media.data, old)
    body = b"iTXt" + _PNG_KEYWORD + b"\x00" * 5 + packet.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    header_end = _chunks(data)[0][1]
    return data[:header_end] + chunk + data[header_end:]


def _into_webp(media: Media, packet: str) -> bytes:
    """An XMP chunk at the end, announced in the extended header (RFC 9649, 2.7)."""
    old = [block for block in _riff(media.data) if block[2] == b"XMP "]
    data = bytearray(_without(media.data, old))
    first = _riff(bytes(data))[0]
    if first[2] != b"VP8X":
        # A lossless bitstream says in its own header whether it has alpha.
        alpha = first[2] == b"VP8L" and bool(first[3][4] & 0x10)
        size = (media.width - 1).to_bytes(3, "little") + (media.height - 1).to_bytes(3, "little")
        header = bytes([0x10 if alpha else 0, 0, 0, 0]) + size
        data[12:12] = b"VP8X" + struct.pack("<I", len(header)) + header
    data[20] |= 0x04
    body = packet.encode()
    data += b"XMP " + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) & 1)
    data[4:8] = struct.pack("<I", len(data) - 8)
    return bytes(data)


_WRITERS: dict[str, Callable[[Media, str], bytes]] = {
    "image/jpeg": _into_jpeg,
    "image/png": _into_png,
    "image/webp": _into_webp,
}
