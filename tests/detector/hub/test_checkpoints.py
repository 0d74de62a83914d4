"""Checkpoints made by others: what is loaded, and what is refused."""

import json
import pickle
import shutil

import numpy as np
import pytest

from assay.detector import score
from assay.detector.calibrated import load_foreign
from assay.detector.hub.preprocessing import Preprocessing
from assay.errors import ConfigurationError
from assay.settings import settings

from .conftest import SIDE


def test_transformers_checkpoint(vit_folder, picture):
    import torch
    import transformers
    from PIL import Image

    model = load_foreign(f"hf:{vit_folder}")
    assert len(model.record.weights_sha256) == 64
    assert model.record.architecture == "ViTForImageClassification"
    pixels = np.asarray(Image.open(picture).convert("RGB"))
    network = transformers.ViTForImageClassification.from_pretrained(vit_folder).eval()
    resized = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    values = (np.asarray(resized, np.float32) / 255 - 0.5) / 0.5
    with torch.inference_mode():
        logits = network(torch.from_numpy(values.transpose(2, 0, 1)[None])).logits[0].numpy()
    assert np.allclose(model.network.logits(pixels), logits, atol=0.02)


def test_timm_checkpoint(timm_folder, picture):
    model = load_foreign(f"timm:{timm_folder}")
    assert model.generated == (1,)
    assert model.record.architecture == "vit_tiny_patch16_224"
    assert model.record.preprocessing["input_size"]
    assert np.isfinite(score(picture, model=model).log_odds)


def test_an_uncalibrated_model_decides_nothing(vit_folder, picture, home):
    result = score(picture, model=f"hf:{vit_folder}")
    assert result.abstained
    assert "not calibrated" in result.reason
    assert not home.exists()


def test_pickled_weights_are_refused(vit_folder, tmp_path):
    folder = tmp_path / "pickled"
    shutil.copytree(vit_folder, folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ConfigurationError, match="safetensors") as caught:
        load_foreign(f"hf:{folder}")
    assert "run code" in caught.value.advice


def test_a_checkpoint_without_its_classifier_is_refused(vit_folder, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "headless"
    shutil.copytree(vit_folder, folder)
    tensors = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if "classifier" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ConfigurationError, match="never trained"):
        load_foreign(f"hf:{folder}")


@pytest.mark.parametrize("library", ["hf", "timm"])
def test_a_folder_that_holds_something_else_is_refused(library, tmp_path):
    (tmp_path / "config.json").write_text('{"architecture": "no-such", "num_classes": 2}')
    (tmp_path / "preprocessor_config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"not safetensors")
    with pytest.raises(ConfigurationError, match="not a"):
        load_foreign(f"{library}:{tmp_path}")


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": "hf_hub:org/name"},
        {"architecture": "local-dir:/somewhere"},
        {"model_args": {"checkpoint_path": "/somewhere/weights.pth"}},
        {"model_args": {"pretrained_cfg": {"url": "https://example.org/weights.pth"}}},
    ],
)
def test_a_configuration_may_not_name_other_weights(change, timm_folder, tmp_path):
    folder = tmp_path / "checkpoint"
    shutil.copytree(timm_folder, folder)
    config = json.loads((folder / "config.json").read_text()) | change
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigurationError, match="not a timm checkpoint"):
        load_foreign(f"timm:{folder}")


def test_code_of_a_checkpoint_is_not_run(vit_folder, tmp_path):
    folder = tmp_path / "with-code"
    shutil.copytree(vit_folder, folder)
    witness = tmp_path / "ran"
    (folder / "modeling_x.py").write_text(f"open({str(witness)!r}, 'w').close()\n")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {
        "AutoConfig": "modeling_x.Config",
        "AutoModelForImageClassification": "modeling_x.Model",
    }
    config["model_type"] = "x-of-its-own"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigurationError, match="not a transformers checkpoint"):
        load_foreign(f"hf:{folder}")
    assert not witness.exists()


def test_a_hub_model_is_not_fetched_unasked(picture):
    with pytest.raises(ConfigurationError) as caught:
        score(picture, model="hf:org/certainly-not-here")
    assert "assay calibrate" in caught.value.advice


def test_onnx_preprocessing_resizes_crops_and_normalises():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 60, 3), dtype=np.uint8)
    config = {"size": {"shortest_edge": 30}, "do_center_crop": True, "crop_size": 20}
    config |= {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    found = Preprocessing.from_config(config).apply(pixels)
    expected = (pixels[5:25, 20:40].transpose(2, 0, 1) / 255 - 0.5) / 0.5
    assert np.allclose(found[0], expected, atol=1e-6)
    with pytest.raises(ConfigurationError, match="height"):
        Preprocessing.from_config({"size": {"longest_edge": 3}})


def test_a_file_that_is_no_onnx_is_refused(onnx_file):
    onnx_file.write_bytes(b"nonsense")
    with pytest.raises(ConfigurationError, match="not usable as ONNX"):
        load_foreign(str(onnx_file))


def test_an_unknown_provider_is_refused(onnx_file, monkeypatch):
    monkeypatch.setenv("ASSAY_ONNX_PROVIDERS", "NoSuchProvider")
    settings.cache_clear()
    with pytest.raises(ConfigurationError, match="NoSuchProvider"):
        load_foreign(str(onnx_file))


def test_a_foreign_model_travels_to_another_process_by_name(onnx_file, picture):
    model = load_foreign(str(onnx_file), ("smooth, generated",))
    copied = pickle.loads(pickle.dumps(model))
    assert copied.generated == model.generated
    assert score(picture, model=copied).log_odds == score(picture, model=model).log_odds
