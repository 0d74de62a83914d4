"""Advice of the rooms behind the service, in the words of whoever calls it over HTTP.

The rooms advise options of the command line; a caller has form fields instead.
"""

from __future__ import annotations

import re

from assay.errors import AssayError, DamagedMedia

_FIELDS = (
    ("with --profile edited --parent ORIGINAL", "with profile=edited and the original as parent"),
    ("sign with --no-watermark", "sign with watermark=false"),
    ("--no-watermark signs without it", "watermark=false signs without it"),
    ("pass exactly one with --parent", "send exactly one as parent"),
    ("pass each with --parent", "send it as parent"),
)
_OPTION = re.compile(r"(^|\s)--[a-z]")
_DAMAGED = "send it again as a whole; if it stays damaged, save it anew where it was made"


def advice_for_callers(error: AssayError) -> str | None:
    """What a caller can do about an error; None when there is nothing to say."""
    advice = error.advice
    if advice is None:
        return _DAMAGED if isinstance(error, DamagedMedia) else None
    for told, meant in _FIELDS:
        advice = advice.replace(told, meant)
    if "`assay " in advice:
        return f"whoever runs the service: {advice}"
    return None if _OPTION.search(advice) else advice
