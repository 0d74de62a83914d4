"""Tiny local checkpoints of transformers, timm and ONNX, made here."""

import json

import numpy as np
import pytest

from assay.datasets.manifests import read_manifest
from assay.detector.loading import forget
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


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
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
