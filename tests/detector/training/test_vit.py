"""`assay train vit` with a tiny network: resumable, reproducible, exported, served."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from assay.datasets.manifests import cap_per_group, read_manifest, write_manifest
from assay.detector import score
from assay.detector.loading import load_model
from assay.detector.onnx_model import OnnxModel
from assay.detector.training import train_vit as train_module
from assay.detector.training.renditions import render
from assay.detector.training.sampling import Sampler
from assay.detector.training.train_vit import Plan, train_vit
from assay.detector.training.vit import VitRecipe, fit_vit, score_pictures
from assay.detector.training.vit_model import Architecture, SourceHead, VitDetector
from assay.errors import ConfigurationError, InputRefused, OutputRefused

pytestmark = pytest.mark.usefixtures("one_thread")
TINY = Architecture(stem=(8, 8, 16, 16), depth=1, heads=2)
RECIPE = VitRecipe(steps=6, batch=4, crop=64, architecture=TINY)


@pytest.fixture(scope="module")
def pictures(corpus, tmp_path_factory):
    return render(read_manifest(corpus), tmp_path_factory.mktemp("renditions"), deliveries=1)[0]


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory):
    plan = Plan(deliveries=1, folds=2)
    return train_vit(read_manifest(corpus), tmp_path_factory.mktemp("vit"), RECIPE, plan)


def weights(network):
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def test_the_network_takes_crops_of_any_multiple_of_16_and_ignores_level_and_contrast():
    network = VitDetector(TINY).eval()
    crops = torch.rand(2, 3, 64, 96) * 120
    with torch.inference_mode():
        assert network(crops).shape == (2,)
        planes = network.planes(crops)
        brighter = network.planes(crops + 60)
    assert planes.shape == (2, 6, 64, 96)
    assert torch.allclose(planes, brighter, atol=1e-3)


def test_the_source_head_unlearns_what_it_finds():
    """The head descends on its loss; the features climb on it."""
    features = torch.randn(8, 16, requires_grad=True)
    head = SourceHead(16, 3)
    loss = torch.nn.functional.cross_entropy(head(features), torch.arange(8) % 3)
    loss.backward()
    with torch.no_grad():
        moved = features - 10.0 * features.grad
        further = torch.nn.functional.cross_entropy(head(moved), torch.arange(8) % 3)
    assert further > loss


def test_batches_hold_both_classes_and_repeat(pictures):
    sampler = Sampler(pictures, side=64, seed=3)
    batch, again, other = sampler.batch(7, 10), sampler.batch(7, 10), sampler.batch(8, 10)
    assert batch.crops.shape == (10, 3, 64, 64)
    assert batch.generated.sum() == 5
    assert np.array_equal(batch.crops, again.crops)
    assert not np.array_equal(batch.crops, other.crops)


def test_a_large_collection_is_drawn_by_the_root_of_its_size(pictures):
    large = [pic for pic in pictures if pic.row.source == "coffee"] * 16
    small = [pic for pic in pictures if pic.row.source == "rocket"]
    fakes = [pic for pic in pictures if pic.row.generated]
    sampler = Sampler([*large, *small, *fakes], side=32)
    batch = sampler.batch(0, 800)
    names = np.array(sampler.groups)[batch.group[~batch.generated]]
    # 96 against 6 pictures: 4 to 1, not 16 to 1.
    assert 0.74 < (names == "coffee").mean() < 0.86


def test_a_stopped_training_goes_on_as_if_it_had_not_stopped(pictures, tmp_path):
    whole = fit_vit(pictures, RECIPE, tmp_path / "whole", checkpoint_every=3)

    def stop_after_four(steps, total):
        for step in steps:
            if step == 4:
                raise KeyboardInterrupt
            yield step

    with pytest.raises(KeyboardInterrupt):
        fit_vit(pictures, RECIPE, tmp_path / "cut", checkpoint_every=3, progress=stop_after_four)
    resumed = fit_vit(pictures, RECIPE, tmp_path / "cut", checkpoint_every=3, resume=True)
    for name, tensor in weights(whole).items():
        assert np.allclose(tensor, weights(resumed)[name], atol=1e-6), name
    logs = [(tmp_path / name / "log.csv").read_text() for name in ("whole", "cut")]
    assert [line.split(",")[0] for line in logs[0].split()] == ["step", *"012345"]
    assert logs[0] == logs[1]


def test_a_checkpoint_of_another_recipe_is_refused(pictures, tmp_path):
    fit_vit(pictures, RECIPE, tmp_path)
    other = VitRecipe(steps=6, batch=4, crop=64, learning_rate=0.5, architecture=TINY)
    with pytest.raises(InputRefused, match="another recipe"):
        fit_vit(pictures, other, tmp_path, resume=True)


def test_a_damaged_checkpoint_is_refused(pictures, tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"nonsense")
    with pytest.raises(InputRefused, match="not a checkpoint"):
        fit_vit(pictures, RECIPE, tmp_path, resume=True)


def test_an_unknown_device_is_refused(pictures, tmp_path):
    with pytest.raises(ConfigurationError, match="device"):
        fit_vit(pictures, RECIPE, tmp_path, device="no-such-device")


def test_one_class_is_refused(pictures, tmp_path):
    with pytest.raises(InputRefused, match="real and generated"):
        fit_vit([pic for pic in pictures if pic.row.generated], RECIPE, tmp_path)


def test_a_crop_that_does_not_fit_the_network_is_refused(pictures, tmp_path):
    with pytest.raises(InputRefused, match="multiple of 16"):
        fit_vit(pictures, VitRecipe(crop=100, architecture=TINY), tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(pictures, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputRefused):
        fit_vit(pictures, RECIPE, tmp_path / "file" / "below")


def test_it_learns_an_obvious_trace(pictures, tmp_path):
    """Doubled pixels against photographs, on the training pictures."""
    chosen = [
        pic for pic in pictures if not pic.row.generated or pic.row.generator == "nearest-decoder"
    ]
    recipe = VitRecipe(
        steps=60, batch=8, crop=64, learning_rate=3e-3, adversarial=0.05, architecture=TINY
    )
    network = fit_vit(chosen, recipe, tmp_path)
    scores = score_pictures(network, chosen)
    generated = np.array([pic.row.generated for pic in chosen])
    assert np.median(scores[generated]) > np.median(scores[~generated])


def test_bfloat16_trains(pictures, tmp_path):
    recipe = VitRecipe(steps=2, batch=4, crop=64, precision="bf16", architecture=TINY)
    assert np.isfinite(score_pictures(fit_vit(pictures, recipe, tmp_path), pictures[:2])).all()


def test_a_folder_of_other_renditions_is_refused(corpus, tmp_path):
    rows = read_manifest(corpus)[:2]
    first, _ = render(rows, tmp_path, deliveries=1, seed=0)
    again, _ = render(rows, tmp_path, deliveries=1, seed=0)
    assert np.array_equal(first[0].view(1), again[0].view(1))
    with pytest.raises(InputRefused, match="another seed"):
        render(rows, tmp_path, deliveries=1, seed=1)


def test_the_exported_network_scores_as_the_card_promises(trained):
    card = json.loads(trained.card_path.read_text())
    assert card["export"]["candidates"]["fp32"]["worst_logit_difference"] < 1e-3
    assert card["data"]["real"] == 36
    assert card["group_out"]["folds"] == 2
    model = load_model(trained.card_path)
    assert isinstance(model, OnnxModel)
    picture = trained.pictures[0].row.path
    assert score(picture, model=model).log_odds == pytest.approx(
        score(picture, model=trained.model).log_odds, abs=1e-6
    )
    # Six steps learn nothing, and the model knows it.
    result = score(trained.pictures[-1].row.path, model=model)
    assert result.abstained


def test_the_exported_file_tells_nothing_of_the_machine_it_was_made_on(trained):
    data = trained.card_path.with_suffix(".onnx").read_bytes()
    assert b"site-packages" not in data
    assert str(Path(train_module.__file__).parent).encode() not in data


def test_a_model_travels_to_another_process_without_its_session(trained):
    copied = pickle.loads(pickle.dumps(trained.model))
    pixels = trained.pictures[0].view(0)
    assert copied.logit(pixels) == trained.model.logit(pixels)


def test_changed_weights_are_refused(trained, tmp_path):
    card = tmp_path / trained.card_path.name
    card.write_bytes(trained.card_path.read_bytes())
    damaged = bytearray(trained.card_path.with_suffix(".onnx").read_bytes())
    damaged[-1] ^= 1
    card.with_suffix(".onnx").write_bytes(damaged)
    with pytest.raises(ConfigurationError, match="sha256"):
        load_model(card)


def test_serving_loads_neither_torch_nor_timm(trained):
    program = (
        "import sys; from assay.detector import score; "
        f"score({str(trained.pictures[0].row.path)!r}, model={str(trained.card_path)!r}); "
        "print([m for m in ('torch', 'timm', 'transformers') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_too_few_groups_are_refused(corpus, tmp_path):
    rows = [row for row in read_manifest(corpus) if row.source == "coffee" or row.generated]
    with pytest.raises(InputRefused, match="no fold"):
        train_vit(rows, tmp_path, RECIPE, Plan(deliveries=0, folds=2))


def test_the_command_refuses_a_device_that_is_not_there(assay, corpus, tmp_path):
    rows = cap_per_group(read_manifest(corpus), 1)
    manifest = tmp_path / "manifest.csv"
    write_manifest(rows, manifest)
    command = ["train", "vit", manifest, "-o", tmp_path / "out", "--deliveries", "0"]
    outcome = assay(*command, "--folds", "2", "--device", "abacus")
    assert outcome.code == 2
    assert "abacus" in outcome.err
