"""`assay audit` as a person types it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assay.cli import audit as command
from assay.errors import InputRefused, OutputRefused

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


def test_prompts_replace_nothing_unasked(tmp_path: Path) -> None:
    out = tmp_path / "prompts.csv"
    out.write_text("edited by hand")
    typed = ["prompts", "-o", str(out), "--seeds", "2", "--json"]
    refused = RUNNER.invoke(command.app, typed)
    assert isinstance(refused.exception, OutputRefused)
    assert out.read_text() == "edited by hand"
    done = RUNNER.invoke(command.app, [*typed, "--overwrite"])
    told = json.loads(done.stdout)
    with out.open(newline="") as stream:
        assert told["pictures"] == len(list(csv.DictReader(stream))) == 2 * told["prompts"]


def test_compare_tells_the_direction_and_leaves_a_report(
    tables: Any, development_keys: Path, tmp_path: Path
) -> None:
    manifest, labels = str(tables.manifest), str(tables.labels)
    typed = ["compare", manifest, manifest, "--labels-before", labels, "--labels-after", labels]
    out = tmp_path / "out"
    done = RUNNER.invoke(command.app, [*typed, "-o", str(out), "--no-pdf"])
    assert done.exit_code == 0, done.output
    assert "no-change" in done.stdout
    assert "no change of 20.0" in done.stdout
    names = ["comparison.html", "comparison.html.c2pa", "comparison.json", "comparison.json.c2pa"]
    assert sorted(f.name for f in out.iterdir()) == names
    document = json.loads((out / "comparison.json").read_text())
    (change,) = document["changes"]
    assert (change["direction"], change["changed"]) == ("no-change", 0)
    assert 0 < change["largest"] < 0.02  # no pair of 360 changed
    assert change["unanswered"] == document["pictures_before"] - change["pairs"] == 40
    assert "Before: presentation: one rater only" in (out / "comparison.html").read_text()
    checked = RUNNER.invoke(command.app, ["verify", str(out / "comparison.html"), "--json"])
    assert json.loads(checked.stdout)["state"] == "trusted"


def test_compare_explains_what_it_cannot_tell(tables: Any) -> None:
    manifest, labels = str(tables.manifest), str(tables.labels)
    typed = ["compare", manifest, manifest, "--labels-before", labels, "--labels-after", labels]
    strict = RUNNER.invoke(command.app, [*typed, "--smallest-effect", "0.005"])
    assert "cannot tell, because the distance may have changed by up to 1.0" in strict.stdout
    few = RUNNER.invoke(command.app, [*typed, "--smallest-cell", "1000"])
    assert "cannot tell from 360 pairs, fewer than 1000" in few.stdout
