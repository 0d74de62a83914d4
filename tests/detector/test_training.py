"""`assay train` on a real, small corpus: honest folds, a loadable model, a complete card."""

import json
from pathlib import Path

import numpy as np
import pytest

from assay.datasets.manifests import Row, read_manifest
from assay.detector.linear import load
from assay.detector.scoring import score
from assay.detector.training.corpus import Table, load_table, save_table
from assay.detector.training.fitting import Recipe, fit
from assay.detector.training.folds import group_out
from assay.detector.training.train import measure, train
from assay.errors import ConfigurationError, InputRefused

RECIPES = [Recipe(ridge=1.0, source_penalty=1.0, members=1)]


@pytest.fixture(scope="module")
def table(corpus):
    return measure(
        read_manifest(corpus), deliveries=1, most_per_group=6, workers=1, seed=0, progress=None
    )


@pytest.fixture(scope="module")
def trained(table, tmp_path_factory):
    return train(table, tmp_path_factory.mktemp("model"), recipes=RECIPES)


def test_folds_share_no_source_and_no_family(table):
    folds = list(group_out(table, folds=3))
    assert folds
    for fold in folds:
        assert not set(table.sources[fold.train]) & set(table.sources[fold.test])
        fakes = table.generated
        assert not set(table.families[fold.train][fakes[fold.train]]) & set(
            table.families[fold.test][fakes[fold.test]]
        )


def test_every_real_source_is_tested_once(table):
    tested = np.concatenate([fold.test for fold in group_out(table, folds=3)])
    assert len(tested) == len(set(tested.tolist()))


def test_upsampling_families_that_were_left_out_are_found(trained):
    assert trained.held_out.macro_auc > 0.8


def test_the_card_states_data_figures_and_confounds(trained):
    card = json.loads(trained.card_path.read_text())
    assert card["data"]["real"] == 36
    assert card["data"]["generated"] == 24
    assert set(card["confounds"]["single_statistics_macro_auc"]) == {
        "contrast",
        "gradient",
        "brightness",
        "saturation",
    }
    assert card["threshold"]["overall_fpr"] <= 0.01
    assert len(card["weights_sha256"]) == 64
    assert any("cannot say that a picture is a photograph" in line for line in card["cannot"])


def test_a_model_reads_back_as_it_was_written(trained, corpus):
    model = load(trained.card_path)
    picture = read_manifest(corpus)[0].path
    assert score(picture, model=model).log_odds == pytest.approx(
        score(picture, model=trained.model).log_odds, abs=1e-3
    )


def test_training_again_gives_the_same_weights(trained, table, tmp_path):
    again = train(table, tmp_path, recipes=RECIPES)
    assert np.array_equal(again.model.weights, trained.model.weights)
    ours, theirs = again.model.similarity, trained.model.similarity
    assert np.array_equal(ours.weights, theirs.weights)
    assert again.model.threshold == trained.model.threshold


def test_changed_weights_are_refused(trained, tmp_path):
    card = tmp_path / trained.card_path.name
    card.write_bytes(trained.card_path.read_bytes())
    damaged = bytearray(trained.card_path.with_suffix(".npz").read_bytes())
    damaged[-1] ^= 1
    card.with_suffix(".npz").write_bytes(damaged)
    with pytest.raises(ConfigurationError, match="sha256"):
        load(card)


def test_a_model_of_other_features_is_refused(trained, tmp_path):
    card = tmp_path / trained.card_path.name
    document = json.loads(trained.card_path.read_text()) | {"feature_version": 999}
    card.write_text(json.dumps(document))
    card.with_suffix(".npz").write_bytes(trained.card_path.with_suffix(".npz").read_bytes())
    with pytest.raises(ConfigurationError, match="features version 999"):
        load(card)


def test_a_table_reads_back(table, tmp_path):
    save_table(table, tmp_path / "table.npz")
    again = load_table(tmp_path / "table.npz")
    assert np.array_equal(again.features, table.features)
    assert again.rows == table.rows


def test_source_penalty_moves_weight_to_what_sources_share():
    """Feature 0 separates the classes more but varies by source; feature 1 does not vary."""
    rng = np.random.default_rng(0)
    sources = np.repeat(np.arange(8), 50)
    generated = sources % 2 == 1
    shift = rng.normal(0, 1, 8)[sources]
    features = rng.normal(0, 1, (400, 1, 2))
    features[:, 0, 0] += 2.0 * generated + shift
    features[:, 0, 1] += 1.0 * generated
    rows = tuple(
        Row(Path("x"), "generated" if fake else "real", generator=f"g{source}", source=f"s{source}")
        for fake, source in zip(generated, sources, strict=True)
    )
    table = Table(
        rows, features.astype(np.float32), np.zeros((400, 4)), np.zeros((400, 8)), ("standard",), ()
    )
    ratios = []
    for penalty in (0.0, 10.0):
        committee = fit(table, np.arange(400), Recipe(source_penalty=penalty, members=1))
        ratios.append(committee.weights[0, 1] / committee.weights[0, 0])
    assert ratios[1] > 1.5 * ratios[0] > 0


def test_too_few_sources_are_refused(corpus):
    rows = [row for row in read_manifest(corpus) if row.source in ("astronaut", "coffee")]
    with pytest.raises(InputRefused, match="at least 4"):
        measure(rows, deliveries=0, most_per_group=2, workers=1, seed=0, progress=None)


def test_command_line_refuses_a_manifest_without_labels(assay, tmp_path):
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("path\nx.png\n")
    outcome = assay("train", manifest, "-o", tmp_path / "out")
    assert outcome.code == 3
    assert "label" in outcome.err
