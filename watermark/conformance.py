"""Test vectors of every algorithm version: marked pictures that must be readable for ever.

The pictures and `vectors.json` lie in `vectors/`. Anyone who changes the detector, builds it for
another platform or writes another one can run `check` on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.watermark.detection import detect
from assay.watermark.keys import KeyFamily


@dataclass(frozen=True, eq=False)
class Vector:
    """A marked picture and what must be read from it.

    Attributes:
        name, version: of the vector and of the algorithm.
        pixels: uint8, shape (H, W, 3), RGB.
        family: the keys to detect with.
        payload, payload_bits: None for both in a picture that carries no mark of that key.
    """

    name: str
    version: str
    pixels: NDArray[np.uint8]
    family: KeyFamily
    payload: int | None
    payload_bits: int | None


def vectors() -> Iterator[Vector]:
    """All shipped vectors."""
    folder = files(__package__) / "vectors"
    for entry in json.loads((folder / "vectors.json").read_text()):
        encoded = np.frombuffer((folder / entry["file"]).read_bytes(), np.uint8)
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        if image is None:
            raise RuntimeError(f"the test vector {entry['file']} cannot be decoded")
        pixels = np.ascontiguousarray(image[..., ::-1]).astype(np.uint8, copy=False)
        family = KeyFamily(entry["key"].encode(), entry["generation"])
        payload = None if entry["payload"] is None else int(entry["payload"], 16)
        bits = entry["payload_bits"]
        yield Vector(entry["name"], entry["version"], pixels, family, payload, bits)


def check(vector: Vector) -> bool:
    """Whether the detector reads exactly what the vector says."""
    found = detect(vector.pixels, key=vector.family)
    if found is None or vector.payload is None:
        return found is None and vector.payload is None
    return (found.payload, found.payload_bits) == (vector.payload, vector.payload_bits)
