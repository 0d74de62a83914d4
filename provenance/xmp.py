"""XMP packets (ISO 16684-1) as a flat list of properties, from hostile bytes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from xml.parsers import expat

MAX_PACKET_BYTES = 1_000_000
MAX_PROPERTIES = 10_000
_SEPARATOR = " "
_SKIPPED = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


@dataclass
class Properties:
    """Qualified names (`<namespace><local name>`) with their text values, in order."""

    entries: list[tuple[str, str]] = field(default_factory=list)

    def values(self, namespace: str, name: str) -> list[str]:
        return [value for key, value in self.entries if key == namespace + name]


class _RefusedError(Exception):
    """The packet declares a document type or is too long; neither occurs in real XMP."""


def parse(packet: bytes) -> Properties:
    """Properties of a packet, as attributes or elements, list items repeated.

    A packet that is too large, declares a document type (the way to entity bombs and
    external entities) or is malformed gives the properties before the trouble.
    """
    collector = _Collector()
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    parser.buffer_text = True
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.text
    parser.StartDoctypeDeclHandler = collector.refuse
    with suppress(expat.ExpatError, _RefusedError):
        parser.Parse(packet[:MAX_PACKET_BYTES].strip(b"\x00 \r\n\t"), True)
    return collector.properties


class _Collector:
    def __init__(self) -> None:
        self.properties = Properties()
        self._open: list[str] = []
        self._text: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._open.append(name.replace(_SEPARATOR, ""))
        self._text = []
        for key, value in attributes.items():
            self._add(key.replace(_SEPARATOR, ""), value)

    def end(self, name: str) -> None:
        text = "".join(self._text).strip()
        owner = next((n for n in reversed(self._open) if not n.startswith(_SKIPPED)), None)
        if text and owner:
            self._add(owner, text)
        if self._open:
            self._open.pop()
        self._text = []

    def text(self, data: str) -> None:
        self._text.append(data)

    def refuse(self, *_: object) -> None:
        raise _RefusedError

    def _add(self, name: str, value: str) -> None:
        if len(self.properties.entries) >= MAX_PROPERTIES:
            raise _RefusedError
        self.properties.entries.append((name, value))
