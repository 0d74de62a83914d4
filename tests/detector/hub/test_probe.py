"""A head of ours on a backbone of others."""

import shutil

import numpy as np
import pytest

from assay.datasets.manifests import read_manifest
from assay.detector import score
from assay.detector.calibrated import load_foreign
from assay.detector.loading import load_model
from assay.errors import AssayError


@pytest.mark.parametrize("library", ["hf", "timm"])
def test_a_probe_on_any_backbone(
    assay, library, vit_folder, timm_folder, corpus, picture, tmp_path
):
    folder = {"hf": vit_folder, "timm": timm_folder}[library]
    outcome = assay(
        *("train", "probe", corpus, "-o", tmp_path / "probe", "--json"),
        *("--folds", "3", "--backbone", f"{library}:{folder}"),
    )
    assert outcome.code == 0, outcome.err
    (card,) = outcome.documents
    assert len(card["recipes_tried"]) == 4
    assert (
        card["backbone"]["weights_sha256"]
        == load_foreign(f"{library}:{folder}", ("1",)).record.weights_sha256
    )
    model = load_model(tmp_path / "probe" / "probe-1.json")
    found = score(picture, model=model)
    assert np.isfinite(found.log_odds)
    assert found.components[0].model == "probe-1"


def test_a_probe_refuses_another_backbone(vit_folder, corpus, tmp_path):
    from assay.detector.training.train_probe import train_probe

    folder = tmp_path / "backbone"
    shutil.copytree(vit_folder, folder)
    rows = read_manifest(corpus)
    trained = train_probe(rows, f"hf:{folder}", tmp_path / "out", most_per_group=2, folds=2)
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    changed = {name: tensor + 1e-3 for name, tensor in tensors.items()}
    save_file(changed, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(AssayError, match="other weights"):
        load_model(trained.card_path)
