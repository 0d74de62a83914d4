"""The details of evidence as a reader meets them: words first, machine data folded away."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.evidence import Evidence

LONGEST_TEXT = 2_000  # characters; manifests of some editors run to megabytes
LONGEST_FOLDED = 20_000
DEEPEST = 2  # levels of rows in rows
MOST_VALUES = 4  # of a list in one line: a box has four sides
_EMPTY: tuple[object, ...] = (None, "", [], {}, ())


@dataclass(frozen=True)
class Detail:
    """One row; exactly one of the three is there.

    Attributes:
        text: a value in words.
        rows: what a value consists of.
        folded: a proof, or JSON of a matrix or of anything else that no reader reads.
    """

    name: str
    text: str | None = None
    rows: tuple[Detail, ...] = ()
    folded: str | None = None


def details_of(evidence: Evidence) -> tuple[Detail, ...]:
    """The rows of one piece of evidence; what is empty says nothing and is left to the JSON."""
    return _rows(evidence.details.items(), 0)


def _rows(items: Any, depth: int) -> tuple[Detail, ...]:
    found = (_detail(str(name), _filled(value), depth) for name, value in items)
    return tuple(row for row in found if row is not None)


def _filled(value: Any) -> Any:
    """A value without what is empty in it, at any depth; places in lists stay."""
    if isinstance(value, Mapping):
        inner = {name: _filled(part) for name, part in value.items()}
        return {name: part for name, part in inner.items() if part not in _EMPTY}
    if isinstance(value, list | tuple):
        return [_filled(part) for part in value]
    return value


def _detail(name: str, value: Any, depth: int) -> Detail | None:
    if value in _EMPTY:
        return None
    words = name.replace("_", " ").replace("-", " ")
    if isinstance(value, str) and ("proof" in name or "\n" in value):
        return Detail(words, folded=_cut(value, LONGEST_FOLDED))
    if _is_for_machines(name, value, depth):
        return Detail(words, folded=_json(value))
    if isinstance(value, Mapping):
        return Detail(words, rows=_rows(value.items(), depth + 1))
    if isinstance(value, list) and any(isinstance(part, Mapping) for part in value):
        numbered = ((str(number), part) for number, part in enumerate(value, 1))
        return Detail(words, rows=_rows(numbered, depth + 1))
    return Detail(words, text=_text(value))


def _is_for_machines(name: str, value: Any, depth: int) -> bool:
    """Proofs, matrices, long lists of numbers, and what lies too deep."""
    if isinstance(value, Mapping):
        return depth >= DEEPEST or "proof" in name
    if not isinstance(value, list):
        return False
    if any(isinstance(part, Mapping) for part in value):
        return depth >= DEEPEST
    if any(isinstance(part, list) for part in value):
        return True
    return len(value) > MOST_VALUES and not all(isinstance(part, str) for part in value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _cut(", ".join(_text(part) for part in value if part not in _EMPTY), LONGEST_TEXT)
    return _cut(str(value), LONGEST_TEXT)


def _json(value: Any) -> str:
    flat = json.dumps(value, ensure_ascii=False, default=str)
    pretty = json.dumps(value, ensure_ascii=False, indent=1, default=str)
    return _cut(flat if len(flat) <= 100 else pretty, LONGEST_FOLDED)


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    return text[:longest] + f" … ({len(text):,} characters; all are in the JSON)"
