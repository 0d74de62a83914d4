"""`assay evaluate` measures every condition and writes a report that needs no network."""

import json

import pytest
import typer
from typer.testing import CliRunner

from assay.cli.evaluate import evaluate as command
from assay.datasets.manifests import read_manifest
from assay.detector.evaluation.evaluate import evaluate
from assay.detector.evaluation.measuring import measure
from assay.detector.evaluation.report import write_report
from assay.detector.linear import default_model
from assay.errors import InputRefused

CONDITIONS = ("standard", "jpeg-70")


@pytest.fixture(scope="module")
def measured(corpus):
    return measure(read_manifest(corpus), default_model(), conditions=CONDITIONS)


def test_every_condition_has_every_figure(measured, tmp_path):
    document = evaluate(measured, default_model())
    assert list(document["conditions"]) == list(CONDITIONS)
    for figures in document["conditions"].values():
        assert 0 <= figures["macro_auc"] <= 1
        assert 0 <= figures["ece"] <= 1
        assert 0 <= figures["abstention"] <= 1
    assert len(document["by_generator_family"]) == 4
    assert len(document["family_by_source_auc"]["nearest-decoder"]) == 6
    assert set(document["confounds"]) >= {"metadata_only_auc", "real_versus_real_auc"}
    page, data = write_report(measured, document, tmp_path)
    assert json.loads(data.read_text()) == document
    text = page.read_text()
    assert text.count("data:image/png;base64,") == 7
    assert "http" not in text.replace("http-equiv", "")


def test_unreadable_pictures_are_reported_not_fatal(corpus, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")
    rows = read_manifest(corpus)[::6]
    rows.append(type(rows[0])(broken, "real", source="broken"))
    measured = measure(rows, default_model(), conditions=("standard",))
    assert [item.row.path.name for item in measured.table.refused] == ["broken.png"]


def test_one_class_alone_is_refused(corpus):
    rows = [row for row in read_manifest(corpus) if not row.generated][:2]
    measured = measure(rows, default_model(), conditions=("standard",))
    with pytest.raises(InputRefused, match="real and generated"):
        evaluate(measured, default_model())


def test_unknown_conditions_are_refused(corpus):
    with pytest.raises(InputRefused, match="no condition 'jpeg-1'"):
        measure(read_manifest(corpus), default_model(), conditions=("jpeg-1",))


def test_command_line_refuses_an_empty_folder(tmp_path):
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, [str(tmp_path), "-o", str(tmp_path / "out"), "--json"])
    assert result.exit_code == 3
    assert json.loads(result.stdout)["type"] == "urn:assay:problem:input-refused"
