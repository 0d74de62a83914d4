"""`assay train fusion`: weights from held-out scores, and a refusal where nothing is gained."""

import json
from pathlib import Path

import numpy as np
import pytest

from assay.datasets.manifests import Row
from assay.detector import loading
from assay.detector.training.held_out_file import path_for, read_held_out, write_held_out
from assay.errors import InputRefused, UnreadableFile

SHIPPED = Path(loading.__file__).parent / "weights" / "frequency-1.json"


def labelled(count=40):
    rows = []
    for group in range(8):
        for number in range(count):
            rows.append(Row(Path(f"real-{group}-{number}"), "real", source=f"camera-{group}"))
            rows.append(
                Row(
                    Path(f"fake-{group}-{number}"),
                    "generated",
                    generator=f"generator-{group}",
                    source=f"site-{group}",
                )
            )
    return rows


def part(folder, name, rows, log_odds):
    """The shipped weights under another name, with held-out scores of our making."""
    card = folder / f"{name}.json"
    document = json.loads(SHIPPED.read_text()) | {"name": name}
    card.write_text(json.dumps(document))
    card.with_suffix(".npz").write_bytes(SHIPPED.with_suffix(".npz").read_bytes())
    write_held_out(path_for(card), rows, log_odds, np.linspace(20, 80, len(rows)))
    return card


@pytest.fixture
def parts(tmp_path):
    """Two weak models with errors of their own, and one that knows nothing."""
    rng = np.random.default_rng(0)
    rows = labelled()
    side = np.array([1.0 if row.generated else -1.0 for row in rows])
    first = side + rng.normal(0, 1.5, len(rows))
    second = 0.5 * side + rng.normal(0, 1.0, len(rows))
    noise = rng.normal(0, 3, len(rows))
    named = {"first": first, "second": second, "noise": noise}
    return {name: part(tmp_path, name, rows, value) for name, value in named.items()}


def test_scores_read_back(tmp_path):
    rows = labelled(1)
    log_odds = np.arange(len(rows), dtype=float)
    log_odds[3] = np.nan
    path = write_held_out(tmp_path / "x.csv", rows, log_odds, np.ones(len(rows)))
    found = read_held_out(path)
    assert found.rows == tuple(row for number, row in enumerate(rows) if number != 3)
    assert np.array_equal(found.log_odds, np.delete(log_odds, 3))


def test_two_models_with_errors_of_their_own_help_each_other(assay, parts, tmp_path):
    out = tmp_path / "fusion"
    outcome = assay("train", "fusion", parts["first"], parts["second"], "-o", out, "--json")
    assert outcome.code == 0, outcome.err
    (card,) = outcome.documents
    alone = [entry["macro_auc_alone"] for entry in card["parts"]]
    assert card["group_out"]["macro_auc"] > max(alone)
    assert all(entry["weight"] > 0 for entry in card["parts"])
    # Loaded from its own folder: the parts were copied beside it.
    model = loading.load_model(out / "fusion-1.json")
    assert [part.name for part in model.parts] == ["first", "second"]


def test_a_fusion_that_does_not_help_is_refused(assay, parts, tmp_path):
    out = tmp_path / "fusion"
    outcome = assay("train", "fusion", parts["first"], parts["noise"], "-o", out)
    assert outcome.code == 3
    assert "does not help" in outcome.err
    assert not out.exists()


def test_models_of_other_pictures_are_refused(parts, tmp_path):
    from assay.detector.training.train_fusion import train_fusion

    rows = [Row(Path("elsewhere"), "real", source="x")]
    stranger = part(tmp_path, "stranger", rows, np.zeros(1))
    with pytest.raises(InputRefused, match="in common"):
        train_fusion([parts["first"], stranger], tmp_path / "out")
    with pytest.raises(InputRefused, match="at least two"):
        train_fusion([parts["first"]], tmp_path / "out")


def test_a_model_without_held_out_scores_is_refused(parts, tmp_path):
    from assay.detector.training.train_fusion import train_fusion

    path_for(parts["second"]).unlink()
    with pytest.raises(UnreadableFile) as caught:
        train_fusion([parts["first"], parts["second"]], tmp_path / "out")
    assert "beside the model" in caught.value.advice


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text("path,label\na,real\n")
    with pytest.raises(InputRefused, match="not a file of held-out scores"):
        read_held_out(tmp_path / "x.csv")
