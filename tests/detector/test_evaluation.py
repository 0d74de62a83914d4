"""`assay evaluate` measures every condition and writes a report that needs no network."""

import json
from dataclasses import replace

import pytest

from assay.datasets.manifests import read_manifest
from assay.detector.evaluation.evaluate import evaluate
from assay.detector.evaluation.measuring import measure
from assay.detector.evaluation.report import write_report
from assay.detector.evaluation.training_overlap import training_overlap
from assay.detector.linear import default_model
from assay.detector.table import Refusal
from assay.errors import ConfigurationError, InputRefused

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
    (refused,) = measured.table.refused
    assert refused.row.path.name == "broken.png"
    assert refused.why.startswith("not a picture")


def test_refused_pictures_and_training_sources_are_on_the_page(measured, corpus, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")
    rows = read_manifest(corpus)
    trained_on = rows[0].source, rows[0].label
    model = default_model()
    sources = [{"source": trained_on[0], "label": trained_on[1], "pictures": 3}]
    model = replace(model, card={**model.card, "data": {"sources": sources}})
    refused = (Refusal(replace(rows[0], path=broken), "not a <picture>"),)
    seen = replace(measured, table=replace(measured.table, refused=refused))

    document = evaluate(seen, model)
    page, _ = write_report(seen, document, tmp_path)

    expected = sum((row.source, row.label) == trained_on for row in measured.table.rows)
    overlap = document["training_overlap"]
    assert overlap["sources"] == [
        {"label": trained_on[1], "source": trained_on[0], "pictures": expected}
    ]
    assert 0 < overlap["share"] == pytest.approx(expected / len(rows), abs=1e-3)
    text = page.read_text()
    assert f"{expected} of {len(rows)} evaluated pictures are from 1 source" in text
    assert "broken.png" in text
    assert "not a &lt;picture&gt;" in text
    unknown = training_overlap(rows, replace(model, card={**model.card, "data": {}}))
    assert (unknown["known"], unknown["pictures"]) == (False, 0)
    assert "unknown" in unknown["summary"]


def test_groups_too_small_for_a_plot_have_none(measured, tmp_path):
    document = evaluate(measured, default_model())
    document |= {"family_by_source_auc": {}, "by_generator_family": {}}
    page, _ = write_report(measured, document, tmp_path)
    text = page.read_text()
    assert text.count("data:image/png;base64,") == 5
    assert "Every generator family against every real source" not in text


def test_one_class_alone_is_refused(corpus):
    rows = [row for row in read_manifest(corpus) if not row.generated][:2]
    measured = measure(rows, default_model(), conditions=("standard",))
    with pytest.raises(InputRefused, match="real and generated"):
        evaluate(measured, default_model())


def test_unknown_conditions_are_a_mistake_of_usage(corpus):
    with pytest.raises(ConfigurationError, match="no condition 'jpeg-1'"):
        measure(read_manifest(corpus), default_model(), conditions=("jpeg-1",))


def test_command_line_refuses_an_empty_folder(assay, tmp_path):
    outcome = assay("evaluate", tmp_path, "-o", tmp_path / "out", "--json")
    assert outcome.code == 3
    assert outcome.documents[0]["type"] == "urn:assay:problem:input-refused"


def test_command_line_calls_an_unknown_condition_bad_usage(assay, tmp_path):
    outcome = assay("evaluate", tmp_path, "-o", tmp_path / "out", "--condition", "nonsense")
    assert outcome.code == 2
    assert "no condition 'nonsense'" in outcome.err
    assert "resize-0.5" in outcome.err
