"""Text of tables that people hand in: what spreadsheets and export scripts write, decoded."""

from __future__ import annotations

import codecs

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATORS = ",\t;"


def decode(data: bytes) -> str:
    """UTF-8, or UTF-16 where a byte order mark says so, as Excel's "Unicode text" does.

    Raises:
        UnicodeDecodeError: it is neither.
    """
    return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")


def separator(text: str) -> str:
    """What separates the columns: the comma, tab or semicolon that its first line has most of."""
    header = text.lstrip().partition("\n")[0]
    return max(_SEPARATORS, key=header.count)
