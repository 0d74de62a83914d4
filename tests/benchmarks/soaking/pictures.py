"""Files for the soak: each is used once, so that its hash names the request it came with."""

from __future__ import annotations

import struct
import zlib
from random import Random

from skimage import data

from assay.encoding import encode_png
from tests.benchmarks.service import hostile, photographs


class Files:
    """Files to send.

    Args:
        count: of different photographs.
    """

    def __init__(self, count: int = 40) -> None:
        self._good = photographs(count)
        self._large = [encode_png(data.astronaut()), encode_png(data.coffee())]
        # Nothing can be written into an empty file, and a line of text stays text.
        self._hostile = [file for file in hostile() if file]

    def good(self, drawn: Random, mark: str) -> bytes:
        """A photograph whose file says `mark`."""
        return stamped(drawn.choice(self._good), mark)

    def large(self, drawn: Random, mark: str) -> bytes:
        """A PNG of about half a megabyte that says `mark`."""
        return stamped(drawn.choice(self._large), mark)

    def bad(self, drawn: Random, mark: str) -> bytes:
        """A file that a decoder or an examiner may stumble over."""
        return drawn.choice(self._hostile) + mark.encode()


def stamped(file: bytes, mark: str) -> bytes:
    """A JPEG or PNG with a comment."""
    if file.startswith(b"\xff\xd8"):
        return file[:2] + b"\xff\xfe" + struct.pack(">H", len(mark) + 2) + mark.encode() + file[2:]
    content = b"tEXt" + b"Comment\0" + mark.encode()
    chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    end = 8 + 25  # after the signature and IHDR
    return file[:end] + chunk + file[end:]
