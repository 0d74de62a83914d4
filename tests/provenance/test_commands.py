from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assay.cli import keys, provenance, trust
from assay.errors import ConfigurationError
from assay.provenance.signing import sign_detached
from assay.provenance.transparency import Log

from .conftest import generated

RUN = CliRunner().invoke


def test_keys_init_and_show(isolated_home: Path) -> None:
    made = RUN(keys.app, ["init", "--json"])
    assert made.exit_code == 0
    document = json.loads(made.stdout)
    assert document["development"] is True
    assert document["folder"] == str(isolated_home / "keys")
    shown = RUN(keys.app, ["show"])
    assert "development only" in shown.stdout
    for path in (isolated_home / "keys").glob("*.key"):
        secret = path.read_bytes()
        assert secret.hex() not in made.stdout + shown.stdout


def test_keys_import(made_home: Path, isolated_home: Path) -> None:
    folder = made_home / "keys"
    options = ["--certificate", f"{folder}/signer.pem", "--key", f"{folder}/signer.key"]
    assert RUN(keys.app, ["import", *options]).exit_code == 0
    assert (isolated_home / "keys" / "signer.key").exists()


def test_trust_add_list_remove(home: Path) -> None:
    root = str(home / "keys" / "root.pem")
    added = RUN(trust.app, ["add", "house", root, "--uri", "https://example.org/l"])
    assert added.exit_code == 0
    listed = RUN(trust.app, ["list", "--json"])
    entries = [json.loads(line) for line in listed.stdout.splitlines()]
    uris = {entry["name"]: entry["uri"] for entry in entries}
    assert set(uris) == {"assay-development", "house"}
    assert uris["house"] == "https://example.org/l"
    RUN(trust.app, ["remove", "house"])
    assert "house" not in RUN(trust.app, ["list"]).stdout


def test_unknown_kinds_are_refused(home: Path) -> None:
    root = str(home / "keys" / "root.pem")
    result = RUN(trust.app, ["add", "house", root, "--kind", "friends"])
    assert isinstance(result.exception, ConfigurationError)


def test_show_prints_credentials_and_raw_documents(signed: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(signed)
    document = json.loads(RUN(provenance.app, ["show", str(path)]).stdout)
    assert document["state"] == "trusted"
    raw = json.loads(RUN(provenance.app, ["show", str(path), "--raw"]).stdout)
    assert raw["reader"]["validation_state"] == "Trusted"


def test_show_reads_detached_manifests(home: Path, tmp_path: Path) -> None:
    page, store = tmp_path / "a.html", tmp_path / "a.html.c2pa"
    page.write_bytes(b"<html></html>")
    store.write_bytes(sign_detached(b"<html></html>", "text/html", generated()))
    result = RUN(provenance.app, ["show", str(page), "--manifest", str(store)])
    assert json.loads(result.stdout)["state"] == "trusted"


@pytest.mark.parametrize("intact", [True, False])
def test_log_show_notices_changes(intact: bool, home: Path) -> None:
    log = Log()
    log.record("a", "00" * 32)
    if not intact:
        bundle = home / "log" / "tile" / "entries" / "000.p" / "1"
        bundle.write_bytes(bundle.read_bytes()[:-1] + b"x")
    result = RUN(provenance.app, ["log", "show", "--json"])
    assert json.loads(result.stdout)["intact"] is intact
    assert result.exit_code == (0 if intact else 1)
