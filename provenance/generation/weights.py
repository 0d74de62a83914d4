"""Hashes of a model's weights: of its files where they are known, else of its parameters."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")
_SHARD = re.compile(r"-\d{5}-of-\d{5}$")
_ADAPTER = re.compile(r"\.lora_|\.to_[kv]_ip\.|image_projection_layers|^encoder_hid_proj\.")
"""Names of parameters that PEFT and IP-Adapter put into a network; hashed on their own."""


def is_network(component: object) -> bool:
    """Whether this is a torch module; torch is not imported to find out."""
    return hasattr(component, "state_dict") and hasattr(component, "named_parameters")


def hashes_of(name: str, component: Any) -> dict[str, str]:
    """Hex SHA-256 by file, `unet/diffusion_pytorch_model.safetensors`, or of the parameters.

    Args:
        name: of the component in its pipeline.
        component: the network.

    Returns:
        Names never hold the folder. The key `NAME (parameters)` stands for
        `digest_of_parameters`, used for networks that came from no file, or from a folder
        where it cannot be told which of several files was loaded.
    """
    files = _files_of(component)
    if not files:
        base = digest_of_parameters(component, lambda key: not _ADAPTER.search(key))
        return {f"{name} (parameters)": base}
    return {f"{name}/{file.name}": _digest(file, *_state(file)) for file in files}


def digest_of_parameters(network: Any, belongs: Callable[[str], bool] = lambda key: True) -> str:
    """SHA-256 over name, dtype, shape and bytes of every parameter and buffer, by name.

    Names are as before PEFT wrapped a layer (`.base_layer` left out).
    """
    state = sha256()
    for key, tensor in sorted(network.state_dict().items()):
        if belongs(key) and hasattr(tensor, "detach"):
            clean = key.replace(".base_layer.", ".")
            state.update(f"{clean} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            state.update(_bytes(tensor))
    return state.hexdigest()


def adapter_names(network: Any) -> list[str]:
    """Names of the LoRA adapters inside a network, sorted."""
    return sorted(getattr(network, "peft_config", None) or {})


def digest_of_adapter(network: Any, adapter: str) -> str:
    """As `digest_of_parameters`, of one LoRA adapter."""
    marker = f".{adapter}."
    return digest_of_parameters(network, lambda key: ".lora_" in key and marker in key)


def digest_of_ip_adapter(network: Any) -> str | None:
    """As `digest_of_parameters`, of the IP-Adapter inside a network; None without one."""
    if getattr(network, "encoder_hid_proj", None) is None:
        return None

    def belongs(key: str) -> bool:
        return ".lora_" not in key and _ADAPTER.search(key) is not None

    return digest_of_parameters(network, belongs)


def _bytes(tensor: Any) -> bytes:
    import torch

    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return bytes(flat.view(torch.uint8).numpy().tobytes()) if flat.numel() else b""


def _files_of(component: Any) -> list[Path]:
    """The weight files a component was loaded from, or none when that is not certain."""
    folder = _folder_of(component)
    if folder is None:
        return []
    for suffix in _WEIGHTS:
        found = sorted(path for path in folder.glob(f"*{suffix}") if path.is_file())
        if len(found) > 1 and len({_SHARD.sub("", path.stem) for path in found}) > 1:
            return []  # several precisions side by side
        if found:
            return found
    return []


def _folder_of(component: Any) -> Path | None:
    """diffusers and transformers note it in the component's configuration."""
    config = getattr(component, "config", None)
    told = getattr(config, "_name_or_path", None)
    if not isinstance(told, str) or not told:
        return None
    return folder if (folder := Path(told)).is_dir() else None


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=256)
def _digest(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
