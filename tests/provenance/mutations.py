"""Damaged copies of signed files, and what must never be believed about them.

python tests/provenance/mutate.py --count 10000
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from assay.errors import AssayError
from assay.provenance import jumbf
from assay.provenance.credentials import Credentials
from assay.provenance.reading import read

SLOW_SECONDS = 5.0
_UNBOUND_BOXES = (b"ftyp", b"mfra")


@dataclass
class Tally:
    """What became of the mutants of one format."""

    outcomes: dict[str, int] = field(default_factory=dict)
    believed: list[list[int]] = field(default_factory=list)
    slow: list[list[int]] = field(default_factory=list)


def unbound_ranges(signed: bytes, credentials: Credentials) -> list[tuple[int, int]]:
    """Byte ranges that the hard binding does not cover: the manifest itself, type boxes."""
    assertions: dict[str, Any] = credentials.raw["crjson"]["manifests"][0]["assertions"]
    if "c2pa.hash.data" in assertions:
        exclusions = assertions["c2pa.hash.data"]["exclusions"]
        return [(item["start"], item["start"] + item["length"]) for item in exclusions]
    ranges = []
    for kind, start, end in jumbf._boxes(signed, 0, len(signed)):
        if kind in _UNBOUND_BOXES or (kind == b"uuid" and b"jumb" in signed[start : start + 64]):
            ranges.append((start - 8, end))
    return ranges


def mutants(signed: bytes, seed: object, count: int) -> Iterator[tuple[bytes, list[int]]]:
    """Copies with one to sixteen bytes changed: anywhere, in the manifest, in the header."""
    rng = random.Random(str(seed))
    store = jumbf.find_store(signed)
    at = signed.find(store[:64]) if store else 0
    length = len(store) if store else len(signed)
    for number in range(count):
        low, span = [(0, len(signed)), (at, length), (0, min(len(signed), 400))][number % 3]
        positions = [low + rng.randrange(span) for _ in range(rng.choice((1, 1, 4, 16)))]
        mutant = bytearray(signed)
        for position in positions:
            position = min(position, len(mutant) - 1)
            mutant[position] = rng.choice(
                (0, 255, mutant[position] ^ 1 << rng.randrange(8), rng.randrange(256))
            )
        if mutant != signed:
            yield bytes(mutant), positions


def examine(signed: bytes, seed: object, count: int) -> Tally:
    """Read every mutant; `believed` lists those that pass although bound bytes changed."""
    unbound = unbound_ranges(signed, read(signed))
    tally = Tally()
    for mutant, positions in mutants(signed, seed, count):
        began = time.perf_counter()
        try:
            outcome = read(mutant).state
        except AssayError as error:
            outcome = error.code
        if time.perf_counter() - began > SLOW_SECONDS:
            tally.slow.append(positions)
        tally.outcomes[outcome] = tally.outcomes.get(outcome, 0) + 1
        changed = [p for p in positions if mutant[p : p + 1] != signed[p : p + 1]]
        bound = [p for p in changed if not any(low <= p < high for low, high in unbound)]
        if outcome in ("valid", "trusted") and bound:
            tally.believed.append(bound)
    return tally
