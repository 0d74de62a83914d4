"""Whoever calls over HTTP is advised of form fields, not of options of a command line."""

from __future__ import annotations

import pytest

from assay.api.advice import advice_for_callers
from assay.api.problems import document
from assay.errors import AlreadyMarked, AssayError, DamagedMedia, KeysUnavailable, MarkFailed


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (
            AlreadyMarked(
                "signed", advice="sign an edit of it with --profile edited --parent ORIGINAL"
            ),
            "sign an edit of it with profile=edited and the original as parent",
        ),
        (
            MarkFailed(
                "flat", advice="it may be too small or too flat; --no-watermark signs without it"
            ),
            "it may be too small or too flat; watermark=false signs without it",
        ),
        (
            KeysUnavailable("no key", advice="run `assay keys init`"),
            "whoever runs the service: run `assay keys init`",
        ),
        (AssayError("else", advice="pass --replace to overwrite it"), None),
        (AssayError("else", advice="send it as PNG"), "send it as PNG"),
        (AssayError("else"), None),
    ],
)
def test_advice(error: AssayError, advice: str | None) -> None:
    assert advice_for_callers(error) == advice
    assert document(error).get("advice") == (advice if type(error) is not AssayError else None)


def test_a_damaged_file_always_has_advice() -> None:
    assert "send it again" in document(DamagedMedia("a.jpg: does not decode"))["advice"]
