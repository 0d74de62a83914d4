from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin
from typer.testing import CliRunner

from assay.media import Media
from assay.provenance import compliance
from assay.provenance.claims import SoftBinding
from assay.provenance.signing import sign_bytes

from .conftest import flipped, generated

AIGC = json.dumps({"Label": "1", "ContentProducer": "0019", "ProduceID": "x"})


def statuses(data: bytes, rule: str) -> dict[str, str]:
    result = compliance.profile(Media.from_bytes(data), rule)
    return {point.id: point.status for point in result.points}


@pytest.fixture
def marked(home: Path, photo: bytes) -> bytes:
    manifest = generated().with_soft_binding(SoftBinding.watermark(7))
    return sign_bytes(Media.from_bytes(photo), manifest)


def test_eu_points_of_a_marked_file(marked: bytes) -> None:
    assert statuses(marked, "eu-ai-act") == {
        "marked-as-ai": "met",
        "signed-metadata": "met",
        "time-stamp": "missing",
        "watermark": "met",
        "keeps-marks": "met",
        "free-detector": "not-checkable",
    }


def test_california_points_of_a_marked_file(marked: bytes) -> None:
    assert statuses(marked, "california-sb942") == {
        "provider": "met",
        "system-name": "met",
        "system-version": "met",
        "time": "met",
        "identifier": "met",
        "hard-to-remove": "met",
        "detection-tool": "not-checkable",
    }


def test_china_wants_its_own_metadata(marked: bytes) -> None:
    assert set(statuses(marked, "china-gb45438").values()) == {"missing", "not-checkable"}
    info = PngImagePlugin.PngInfo()
    info.add_text("AIGC", AIGC)
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32)).save(buffer, "PNG", pnginfo=info)
    assert statuses(buffer.getvalue(), "china-gb45438") == {
        "label": "met",
        "producer": "met",
        "propagator": "missing",
        "visible-label": "not-checkable",
    }


@pytest.mark.parametrize("rule", compliance.RULES)
def test_a_broken_manifest_meets_nothing(rule: str, marked: bytes) -> None:
    assert "met" not in statuses(flipped(marked, -500), rule).values()


@pytest.mark.parametrize("rule", compliance.RULES)
def test_every_point_names_its_source(rule: str, photo: bytes) -> None:
    result = compliance.profile(Media.from_bytes(photo), rule)
    assert all(point.source and point.found for point in result.points)
    assert "not legal advice" in result.disclaimer


def test_the_command_line(marked: bytes, tmp_path: Path) -> None:
    from assay.cli.provenance import app

    path = tmp_path / "a.jpg"
    path.write_bytes(marked)
    runner = CliRunner()
    result = runner.invoke(app, ["profile", str(path), "--for", "eu-ai-act"])
    assert result.exit_code == 0
    assert "not legal advice" in result.output
    command = ["profile", str(path), "--for", "eu-ai-act", "--fail-on-missing", "--json"]
    strict = runner.invoke(app, command)
    assert strict.exit_code == 1
    assert json.loads(strict.stdout)["rule"] == "eu-ai-act"
