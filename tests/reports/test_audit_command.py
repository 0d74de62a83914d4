"""`assay audit` as a person types it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assay.cli import audit as command
from assay.errors import InputRefused

RUNNER = CliRunner()


def test_audit_writes_a_report_and_prints_verdicts(
    tables: Any, no_keys: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    typed = [str(tables.manifest), "-o", str(out), "--labels", str(tables.labels), "--no-pdf"]
    typed += ["--reference", str(tables.reference), "--system", "Demo"]
    done = RUNNER.invoke(command.app, typed)
    assert done.exit_code == 0, done.output
    assert "disparity-found" in done.stdout
    assert sorted(f.name for f in out.iterdir()) == ["report.html", "report.json"]
    strict = RUNNER.invoke(command.app, [*typed, "--json", "--fail-on", "disparity-found"])
    assert strict.exit_code == 1
    assert json.loads(strict.stdout)["system"]["name"] == "Demo"
    assert RUNNER.invoke(command.app, [*typed, "--fail-on", "typo"]).exit_code == 2


def test_refused_input_leaves_nothing_behind(tables: Any, no_keys: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = RUNNER.invoke(command.app, [str(tables.manifest), "-o", str(out)])
    assert isinstance(done.exception, InputRefused)
    assert not out.exists()


def test_signed_reports_verify_on_the_command_line(
    tables: Any, development_keys: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    typed = [str(tables.manifest), "-o", str(out), "--labels", str(tables.labels), "--no-pdf"]
    assert RUNNER.invoke(command.app, typed).exit_code == 0
    report = out / "report.json"
    done = RUNNER.invoke(command.app, ["verify", str(report), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["state"] == "trusted"
    report.write_text(report.read_text() + " ")
    assert RUNNER.invoke(command.app, ["verify", str(report)]).exit_code == 1


def test_plan_counts_pictures_before_any_exists() -> None:
    few = json.loads(RUNNER.invoke(command.app, ["plan", "--effect", "0.3", "--json"]).stdout)
    many = json.loads(RUNNER.invoke(command.app, ["plan", "--effect", "0.15", "--json"]).stdout)
    assert few["pictures"] < many["pictures"] == many["pictures_per_prompt"] * 10
    assert many["claims"] == 11


@pytest.mark.parametrize("typed", [["--effect", "0.9"], ["--share", "0.5", "--share", "0.2"]])
def test_impossible_plans_are_refused(typed: list[str]) -> None:
    assert RUNNER.invoke(command.app, ["plan", *typed]).exit_code != 0


def test_prompts_are_a_manifest_with_shared_seeds(tmp_path: Path) -> None:
    out = tmp_path / "prompts.csv"
    assert RUNNER.invoke(command.app, ["prompts", "-o", str(out), "--seeds", "3"]).exit_code == 0
    with out.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len({row["path"] for row in rows}) == len(rows)
    assert {row["seed"] for row in rows} == {"0", "1", "2"}
    pairs = {row["pair"] for row in rows if row["pair"]}
    for pair in pairs:
        assert len({row["variant"] for row in rows if row["pair"] == pair}) == 2


def test_compare_tells_the_direction(tables: Any, tmp_path: Path) -> None:
    manifest, labels = str(tables.manifest), str(tables.labels)
    typed = ["compare", manifest, manifest, "--labels-before", labels, "--labels-after", labels]
    done = RUNNER.invoke(command.app, typed)
    assert done.exit_code == 0, done.output
    assert "cannot-tell" in done.stdout
