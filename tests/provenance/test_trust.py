from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigurationError
from assay.provenance import certificates, trust


@pytest.fixture(scope="module")
def pem() -> bytes:
    return certificates.to_pem(certificates.make_root().certificate)


def test_a_list_round_trips(pem: bytes) -> None:
    added = trust.add("house", b"a comment\n" + pem, uri="https://example.org/list", kind="tsa")
    assert trust.installed() == (added,)
    assert added.kind == "tsa"
    assert "comment" not in added.pem


def test_lists_are_sorted_by_name(pem: bytes) -> None:
    trust.add("b", pem)
    trust.add("a", pem)
    assert [entry.name for entry in trust.installed()] == ["a", "b"]


@pytest.mark.parametrize("name", ["", "Upper", "../up", "a/b", "x" * 65, ".hidden"])
def test_bad_names_are_refused(name: str, pem: bytes) -> None:
    with pytest.raises(ConfigurationError, match="not a list name"):
        trust.add(name, pem)


@pytest.mark.parametrize("uri", ["house", "file:///etc/passwd", "https://a b"])
def test_bad_uris_are_refused(uri: str, pem: bytes) -> None:
    with pytest.raises(ConfigurationError, match="not a URI"):
        trust.add("house", pem, uri=uri)


def test_a_file_without_certificates_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no readable certificate"):
        trust.add("house", b"hello")


def test_a_list_is_not_overwritten_by_accident(pem: bytes) -> None:
    trust.add("house", pem)
    with pytest.raises(ConfigurationError, match="exists"):
        trust.add("house", pem)
    trust.add("house", pem, uri="urn:x:y", replace=True)
    assert trust.installed()[0].uri == "urn:x:y"


def test_removing(pem: bytes) -> None:
    trust.add("house", pem)
    trust.remove("house")
    assert trust.installed() == ()
    with pytest.raises(ConfigurationError, match="no trust list"):
        trust.remove("house")


def test_a_foreign_file_in_the_folder_is_reported(pem: bytes, isolated_home: Path) -> None:
    trust.add("house", pem)
    (isolated_home / "trust" / "junk.pem").write_text("junk")
    with pytest.raises(ConfigurationError, match="junk"):
        trust.installed()


def test_every_list_is_its_own_anchor_entry(pem: bytes) -> None:
    other = certificates.to_pem(certificates.make_root().certificate)
    lists = (trust.add("a", pem), trust.add("b", pem + other, kind="tsa"))
    section = trust.validator_settings(lists)
    assert [entry["trust_uri"] for entry in section["anchors"]] == [
        "urn:assay:trust:a",
        "urn:assay:trust:b",
    ]
    assert section["anchors"][1]["trust_anchors"].encode() == other
    assert section["trust_config"].splitlines() == [
        "1.3.6.1.4.1.62558.2.1",
        "1.3.6.1.5.5.7.3.36",
        "1.3.6.1.5.5.7.3.4",
    ]
