"""Examples of bodies, recorded from a running service and shortened, by operation.

In `examples.json`, `body` and `form` are what is sent; a number is the status of an answer.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def examples() -> dict[str, dict[str, Any]]:
    """What is sent and answered, by method and path."""
    text = (files("assay.api") / "examples.json").read_text("utf-8")
    return dict(json.loads(text))
