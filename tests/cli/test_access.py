"""`assay access` and what `assay doctor` says of the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import time_machine

from assay.api.access.keys import KeyStore
from assay.api.records import open_database
from assay.settings import settings

Run = Callable[..., Any]


def test_a_key_is_printed_alone_and_once(assay: Run) -> None:
    made = assay("access", "create", "newsroom", "--scope", "verify", "--scope", "sign")
    assert made.code == 0
    key = made.out.strip()
    found = KeyStore(open_database()).recognise(key)
    assert found is not None
    assert (found.name, found.scopes) == ("newsroom", ("verify", "sign"))
    assert "not stored" in made.err
    listed = assay("access", "list")
    assert found.id in listed.out
    assert "last used" in listed.out
    assert key not in listed.out + listed.err


def test_rotation_and_revocation(assay: Run) -> None:
    made = assay("access", "create", "tool", "--scope", "audit", "--json").documents[0]
    rotated = assay("access", "rotate", made["id"], "--grace-hours", "2", "--json").documents[0]
    store = KeyStore(open_database())
    assert rotated["id"] == made["id"]
    assert rotated["previous_until"] is not None
    assert store.recognise(made["key"]) is not None
    assert store.recognise(rotated["key"]) is not None

    assert assay("access", "revoke", made["id"]).code == 0
    assert store.recognise(rotated["key"]) is None
    [listed] = assay("access", "list", "--json").documents
    assert (listed["active"], "key" in listed) == (False, False)
    assert "revoked" in assay("access", "list").out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["create", "x", "--scope", "everything"], 2),
        (["create", "", "--scope", "verify"], 2),
        (["rotate", "0000000000000000"], 3),
        (["revoke", "nothing"], 3),
    ],
)
def test_refusals(assay: Run, arguments: list[str], code: int) -> None:
    refused = assay("access", *arguments)
    assert refused.code == code
    assert refused.err.startswith("assay: ")
    assert KeyStore(open_database()).list() == []


def test_the_doctor_looks_at_the_service_and_makes_nothing(assay: Run) -> None:
    from assay.provenance import keys

    keys.init()
    before = {file.name for file in settings().home.iterdir()}
    checks = {check["name"]: check for check in assay("doctor", "--json").documents}
    assert {file.name for file in settings().home.iterdir()} == before
    for name in ("disk", "clock", "service database", "media store", "access"):
        assert checks[name]["ok"], checks[name]
    assert "not there yet" in checks["service database"]["detail"]

    assay("access", "create", "newsroom", "--scope", "verify")
    checks = {check["name"]: check for check in assay("doctor", "--json").documents}
    assert checks["access"]["detail"] == "ASSAY_AUTH=auto, 1 API keys in use"
    assert checks["service database"]["ok"]


def test_the_doctor_sees_a_clock_that_is_behind(assay: Run) -> None:
    with time_machine.travel("2019-01-01T00:00:00Z"):
        checked = assay("doctor", "--json")
    assert checked.code == 1
    [clock] = [check for check in checked.documents if check["name"] == "clock"]
    assert not clock["ok"]
    assert "set the clock" in clock["detail"]
