"""Foreign models: tiny local checkpoints of transformers, timm and ONNX, made here."""

import json
import pickle
import shutil

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from assay.cli import app
from assay.datasets.manifests import Row, read_manifest
from assay.detector import score
from assay.detector.calibrated import calibration_path, load_foreign, write_calibration
from assay.detector.hub.labels import generated_outputs, log_odds
from assay.detector.hub.preprocessing import Preprocessing
from assay.detector.hub.references import parse
from assay.detector.loading import forget, load_model
from assay.detector.training.calibrating import calibrate
from assay.errors import AssayError, ConfigurationError
from assay.settings import settings

SIDE = 64


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    settings.cache_clear()
    forget()
    yield tmp_path / "home"
    settings.cache_clear()
    forget()


@pytest.fixture(scope="module")
def vit_folder(tmp_path_factory):
    import torch
    import transformers

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("vit")
    config = transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=SIDE,
        patch_size=16,
        id2label={0: "real", 1: "fake"},
        label2id={"real": 0, "fake": 1},
    )
    transformers.ViTForImageClassification(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "image_processor_type": "ViTImageProcessor",
                "do_resize": True,
                "size": {"height": SIDE, "width": SIDE},
                "image_mean": [0.5, 0.5, 0.5],
                "image_std": [0.5, 0.5, 0.5],
            }
        )
    )
    return folder


@pytest.fixture(scope="module")
def timm_folder(tmp_path_factory):
    import timm
    import torch
    from timm.models import save_for_hf

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("timm")
    args = {"img_size": SIDE, "embed_dim": 24, "depth": 1}
    model = timm.create_model("vit_tiny_patch16_224", num_classes=2, **args)
    config = {"label_names": ["photograph", "ai-generated"]}
    save_for_hf(model, folder, model_config=config, model_args=args, safe_serialization=True)
    return folder


def detail_network(path, labels=("smooth, generated", "real")):
    """An ONNX classifier with a trained eye: enlarged pictures have little fine detail."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    laplacian = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], np.float32)
    kernel = np.tile(laplacian, (1, 3, 1, 1)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["pixel_values", "kernel"], ["detail"]),
        helper.make_node("Abs", ["detail"], ["size"]),
        helper.make_node("GlobalAveragePool", ["size"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "detail",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["n", 3, 256, 256])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])],
        [
            numpy_helper.from_array(kernel, "kernel"),
            numpy_helper.from_array(np.array([[-9.0, 9.0]], np.float32), "weights"),
        ],
    )
    opset = [helper.make_opsetid("", 18)]
    onnx.save_model(helper.make_model(graph, opset_imports=opset, ir_version=9), str(path))
    config = {"id2label": {str(number): name for number, name in enumerate(labels)}}
    (path.parent / "config.json").write_text(json.dumps(config))
    (path.parent / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "size": {"shortest_edge": 420},
                "do_center_crop": True,
                "crop_size": 256,
                "image_mean": [0.5, 0.5, 0.5],
                "image_std": [0.25, 0.25, 0.25],
            }
        )
    )
    return path


@pytest.fixture
def onnx_file(tmp_path):
    return detail_network(tmp_path / "model.onnx")


@pytest.fixture
def picture(corpus):
    return read_manifest(corpus)[0].path


@pytest.mark.parametrize(
    ("text", "library", "repository", "revision"),
    [
        ("hf:org/name", "transformers", "org/name", ""),
        ("hf:org/na.me-2@abc123", "transformers", "org/na.me-2", "abc123"),
        ("timm:hf_hub:org/name@v1", "timm", "org/name", "v1"),
        ("timm:hf-hub:org/name", "timm", "org/name", ""),
    ],
)
def test_references(text, library, repository, revision):
    found = parse(text)
    assert (found.library, found.repository, found.revision) == (library, repository, revision)


@pytest.mark.parametrize("text", ["hf:", "hf:name", "hf:a/b/c", "timm:vit_tiny", "torch:x/y", ""])
def test_what_names_no_model_is_refused(text):
    with pytest.raises(ConfigurationError):
        parse(text)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["real", "fake"], (1,)),
        (["artificial", "human"], (0,)),
        (["Not AI-generated", "AI-generated"], (1,)),
        (["ai", "hum"], (0,)),
        (["REAL", "midjourney", "stable diffusion"], (1, 2)),
        (["Fake"], (0,)),
        (["real"], ()),
    ],
)
def test_the_generated_output_is_recognised_by_its_name(labels, expected):
    assert generated_outputs(labels) == expected


@pytest.mark.parametrize("labels", [["LABEL_0", "LABEL_1"], ["cat", "dog"], ["real", "human"]])
def test_names_that_do_not_tell_are_refused(labels):
    with pytest.raises(ConfigurationError, match="cannot be told") as caught:
        generated_outputs(labels)
    assert "--generated-label" in caught.value.advice


def test_a_chosen_output_is_taken_by_name_or_number():
    assert generated_outputs(["LABEL_0", "LABEL_1"], ["1"]) == (1,)
    assert generated_outputs(["LABEL_0", "LABEL_1"], ["LABEL_0"]) == (0,)
    with pytest.raises(ConfigurationError, match="no output"):
        generated_outputs(["LABEL_0", "LABEL_1"], ["fake"])


def test_log_odds_follow_the_softmax():
    logits = np.array([1.0, 2.0, -0.5])
    probability = np.exp(logits) / np.exp(logits).sum()
    expected = np.log(probability[1:].sum() / probability[0])
    assert log_odds(logits, (1, 2)) == pytest.approx(expected)
    assert log_odds(np.array([0.7]), ()) == -0.7


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


def test_calibrating_makes_an_onnx_model_usable(onnx_file, corpus, picture, home, monkeypatch):
    result = CliRunner().invoke(
        app, ["calibrate", str(corpus), "--model", str(onnx_file), "--folds", "3", "--json"]
    )
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["calibration"]["slope"] > 0
    assert document["generated_labels"] == ["smooth, generated"]
    assert document["group_out"]["macro_auc"] > 0.6
    assert document["threshold"]["overall_fpr"] <= 0.01
    assert calibration_path(document["model"]["weights_sha256"]).is_relative_to(home)
    monkeypatch.setenv("ASSAY_DETECTOR_MODEL", str(onnx_file))
    settings.cache_clear()
    scored = score(picture)
    assert "not calibrated" not in scored.reason
    assert scored.components[0].model == str(onnx_file)
    raw = load_foreign(str(onnx_file)).raw(scored.pixels)
    fitted = document["calibration"]
    assert scored.log_odds == pytest.approx(fitted["slope"] * raw + fitted["intercept"], abs=1e-3)


def test_scores_that_fall_where_pictures_are_generated_are_refused(onnx_file, corpus, home):
    command = ["calibrate", str(corpus), "--model", str(onnx_file), "--folds", "3"]
    result = CliRunner().invoke(app, [*command, "--generated-label", "real"])
    assert result.exit_code == 3
    assert "slope" in result.output
    assert not home.exists()


def test_a_calibration_belongs_to_its_weights(onnx_file, corpus, tmp_path):
    CliRunner().invoke(app, ["calibrate", str(corpus), "--model", str(onnx_file), "--folds", "3"])
    assert load_foreign(str(onnx_file)).calibration is not None
    other = tmp_path / "other" / "model.onnx"
    other.parent.mkdir()
    detail_network(other, labels=("generated", "real"))
    import onnx

    changed = onnx.load_model(str(other))
    changed.doc_string = "another file"
    onnx.save_model(changed, str(other))
    assert load_foreign(str(other)).calibration is None


def test_a_damaged_calibration_is_reported(onnx_file, picture):
    path = calibration_path(load_foreign(str(onnx_file)).record.weights_sha256)
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    with pytest.raises(ConfigurationError, match="not a calibration"):
        load_foreign(str(onnx_file))


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


@pytest.mark.parametrize("library", ["hf", "timm"])
def test_a_probe_on_any_backbone(library, vit_folder, timm_folder, corpus, picture, tmp_path):
    folder = {"hf": vit_folder, "timm": timm_folder}[library]
    result = CliRunner().invoke(
        app,
        [
            *("train", "probe", str(corpus), "-o", str(tmp_path / "probe"), "--json"),
            *("--folds", "3", "--backbone", f"{library}:{folder}"),
        ],
    )
    assert result.exit_code == 0, result.output
    card = json.loads(result.stdout)
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


@pytest.fixture(scope="module")
def textures(tmp_path_factory):
    """Four sources of 50 rough pictures each, and smooth ones by four generators."""
    folder = tmp_path_factory.mktemp("textures")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(4 * 50 + 4 * 8):
        generated = number >= 200
        pixels = rng.normal(128, 40, (260, 420, 3)).clip(0, 255).astype(np.uint8)
        if generated:
            pixels = cv2.GaussianBlur(pixels, (0, 0), 1.0 + 0.1 * (number % 5))
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), pixels, [cv2.IMWRITE_PNG_COMPRESSION, 0])
        group = number % 4
        rows.append(
            Row(path, "generated", generator=f"generator-{group}", source=f"site-{group}")
            if generated
            else Row(path, "real", source=f"camera-{group}")
        )
    return rows


def test_a_model_that_separates_enough_pictures_may_decide(onnx_file, textures):
    document = calibrate(textures, load_foreign(str(onnx_file)), folds=4)
    assert document["trustworthy"], document["distrusted_because"]
    assert document["threshold"]["worst_source_fpr"] <= 0.02
    assert document["threshold"]["tpr"] > 0.9
    assert document["group_out"]["ece"] < 0.1
    write_calibration(document)
    model = load_foreign(str(onnx_file))
    assert model.objection == ""
    pixels = [cv2.imread(str(textures[place].path)) for place in (0, -1)]
    rough, smooth = (model.read(picture).log_odds for picture in pixels)
    assert rough < model.threshold < smooth


def test_too_few_pictures_promise_no_worst_source(onnx_file, textures):
    few = [row for place, row in enumerate(textures) if row.generated or place % 8 < 4]
    document = calibrate(few, load_foreign(str(onnx_file)), folds=2)
    assert not document["trustworthy"]
    assert "has 50 pictures" in document["distrusted_because"]


def test_evaluate_measures_a_foreign_model(onnx_file, corpus, tmp_path):
    result = CliRunner().invoke(
        app,
        [
            *("evaluate", str(corpus), "-o", str(tmp_path / "report"), "--model", str(onnx_file)),
            *("--condition", "standard", "--most-per-group", "2", "--json"),
        ],
    )
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["model"]["name"] == str(onnx_file)
    assert "not calibrated" in document["model"]["objection"]
    assert document["conditions"]["standard"]["likely_generated"]["tpr"] == 0
