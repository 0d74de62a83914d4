from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assay.errors import ConfigurationError
from assay.provenance import drift, trust

from .conftest import flipped


@pytest.fixture
def files(signed: bytes, photo: bytes, tmp_path: Path) -> list[Path]:
    (tmp_path / "signed.jpg").write_bytes(signed)
    (tmp_path / "plain.jpg").write_bytes(photo)
    return [tmp_path / "signed.jpg", tmp_path / "plain.jpg"]


def test_nothing_drifts_by_itself(files: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    drift.save(drift.record(files), path)
    assert drift.compare(drift.load(path)) == []


def test_a_removed_trust_list_is_drift_of_trust(files: list[Path]) -> None:
    baseline = drift.record(files)
    trust.remove("assay-development")
    [change] = drift.compare(baseline)
    assert (change.before["state"], change.after["state"]) == ("trusted", "valid")
    assert change.why == "trust"


def test_a_changed_file_is_drift_of_content(files: list[Path], signed: bytes) -> None:
    baseline = drift.record(files)
    files[0].write_bytes(flipped(signed, -500))
    [change] = drift.compare(baseline)
    assert change.why == "content"
    assert change.after["codes"] == ["assertion.dataHash.mismatch"]


def test_another_validator_is_named_as_the_cause(files: list[Path]) -> None:
    baseline = drift.record(files)
    entry = baseline["files"][str(files[0])]
    entry.update(validator="c2pa-rs 0.1", state="invalid", codes=["assertion.dataHash.mismatch"])
    [change] = drift.compare(baseline)
    assert change.why == "validator"


def test_a_new_validator_with_the_same_reading_is_no_drift(files: list[Path]) -> None:
    baseline = drift.record(files)
    for entry in baseline["files"].values():
        entry["validator"] = "c2pa-rs 0.1"
    assert drift.compare(baseline) == []


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "other"}'])
def test_files_that_are_no_baseline(text: str, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError):
        drift.load(path)


def test_the_command_line(files: list[Path], signed: bytes, tmp_path: Path) -> None:
    from assay.cli.provenance import app

    runner, baseline = CliRunner(), str(tmp_path / "baseline.json")
    recorded = [part for path in files for part in ("--record", str(path))]
    assert runner.invoke(app, ["drift", baseline, *recorded]).exit_code == 0
    assert runner.invoke(app, ["drift", baseline, "--fail-on-change"]).exit_code == 0
    files[0].write_bytes(flipped(signed, -500))
    result = runner.invoke(app, ["drift", baseline, "--fail-on-change", "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["why"] == "content"
