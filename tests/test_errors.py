"""Errors: stable codes, problem documents, exit codes."""

from __future__ import annotations

import inspect

import pytest

from assay import errors
from assay.errors import AssayError

KINDS = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, AssayError)
]


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in KINDS]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_a_title_and_an_exit_code(kind: type[AssayError]) -> None:
    problem = kind("it broke", advice="mend it").problem(instance="/x")

    assert problem["type"] == f"urn:assay:problem:{kind.code}"
    assert problem["title"]
    assert problem["detail"] == "it broke"
    assert problem["advice"] == "mend it"
    assert kind.exit_code in (1, 2, 3)
