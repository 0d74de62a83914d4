"""Canonical JSON, so that one result has one sequence of bytes."""

from __future__ import annotations

import json
import math
from typing import Any

SIGNIFICANT_DIGITS = 10  # far beyond any simulation error, below any platform's last bits


def canonical_json(document: Any) -> bytes:
    """UTF-8 JSON with sorted keys and no blanks; numbers are rounded to ten digits.

    Follows RFC 8785 (JSON Canonicalization Scheme) for documents whose numbers lie within
    1e-6..1e21 or are integers. Numbers that JSON cannot hold are refused.

    Raises:
        ValueError: the document holds NaN or an infinity.
    """
    return json.dumps(
        _rounded(document),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    ).encode()


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    if isinstance(value, float) and math.isfinite(value):
        short = float(f"{value:.{SIGNIFICANT_DIGITS}g}")
        return int(short) if short.is_integer() and abs(short) < 2**53 else short
    return value
