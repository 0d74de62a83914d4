"""Wraps every output node of ComfyUI, of the old interface (V1) and the new one (V3).

ComfyUI swallows the errors of event handlers but not those of nodes, so signing happens inside
the node: when it fails, the node fails, and the unsigned file is gone from the output folder.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterator
from typing import Any

from .assay_signing import SIGNER, clean  # noqa: TID251 (a package of its own once it is copied)

_WRAPPED = "_assay_signs"
_HIDDEN = ("PROMPT", "EXTRA_PNGINFO")
_MODEL_INPUTS = ("ckpt_name", "unet_name", "model_name")


def install(classes: dict[str, Any], server: Any) -> None:
    """Wrap the output nodes there are, and before each run those that came later."""

    def before_each_run(request: Any) -> Any:
        wrap_all(classes)
        return request

    wrap_all(classes)
    server.add_on_prompt_handler(before_each_run)


def wrap_all(classes: dict[str, Any]) -> list[str]:
    """Names of the nodes that were wrapped now."""
    return [name for name, node in list(classes.items()) if _wrap(node)]


def _wrap(node: Any) -> bool:
    if not getattr(node, "OUTPUT_NODE", False) or _WRAPPED in vars(node):
        return False
    # V3 names a method of its base class in FUNCTION; what the node does is in `execute`.
    new_interface = hasattr(node, "define_schema")
    name = "execute" if new_interface else node.FUNCTION
    original = inspect.getattr_static(node, name)
    if new_interface:
        setattr(node, name, classmethod(_signing(original.__func__, _clean_holder)))
    else:
        setattr(node, name, _signing(original, functools.partial(_clean_inputs, node)))
    setattr(node, _WRAPPED, True)
    return True


def _signing(original: Callable[..., Any], tidy: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def waiting(owner: Any, *args: Any, **inputs: Any) -> Any:
            owner, inputs, model = tidy(owner, inputs)
            result = await original(owner, *args, **inputs)
            _sign_all(result, model)
            return result

        return waiting

    @functools.wraps(original)
    def calling(owner: Any, *args: Any, **inputs: Any) -> Any:
        owner, inputs, model = tidy(owner, inputs)
        result = original(owner, *args, **inputs)
        _sign_all(result, model)
        return result

    return calling


def _sign_all(result: Any, model: str) -> None:
    """Sign what a node says that it wrote; all are tried before the first failure is told."""
    failures = []
    for path in dict.fromkeys(_written(result)):
        try:
            SIGNER.sign_in_place(path, model)
        except RuntimeError as error:
            failures.append(error)
    if failures:
        raise failures[0]


def _written(value: Any) -> Iterator[str]:
    """Paths in the output folder, wherever they stand in the result of a node."""
    if isinstance(value, dict):
        if "filename" in value and value.get("type") == "output":
            path = _path_of(value)
            if os.path.isfile(path):
                yield path
            return
        for inner in value.values():
            yield from _written(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _written(inner)
    elif hasattr(value, "ui"):  # NodeOutput of the new interface
        yield from _written(value.ui)
    elif hasattr(value, "as_dict"):  # what it shows: SavedImages, PreviewVideo, ...
        yield from _written(value.as_dict())


def _path_of(saved: dict[str, Any]) -> str:
    import folder_paths

    folder: str = folder_paths.get_output_directory()
    return os.path.join(folder, saved.get("subfolder") or "", saved["filename"])


def _clean_inputs(node: Any, owner: Any, inputs: dict[str, Any]) -> tuple[Any, Any, str]:
    """V1: prompt and workflow come as inputs of hidden types."""
    hidden = node.INPUT_TYPES().get("hidden", {})
    told = {name: kind for name, kind in hidden.items() if kind in _HIDDEN and inputs.get(name)}
    cleaned = clean({name: inputs[name] for name in told})
    prompt = next((inputs[name] for name, kind in told.items() if kind == "PROMPT"), None)
    return owner, {**inputs, **cleaned}, _model_of(prompt)


def _clean_holder(owner: Any, inputs: dict[str, Any]) -> tuple[Any, Any, str]:
    """V3: they are attributes of the class's `hidden`."""
    hidden = getattr(owner, "hidden", None)
    if hidden is None:
        return owner, inputs, _model_of(None)
    prompt = getattr(hidden, "prompt", None)
    told = {"prompt": prompt, "extra_pnginfo": getattr(hidden, "extra_pnginfo", None)}
    cleaned = clean({name: value for name, value in told.items() if value is not None})
    return _Instead(owner, hidden=_Instead(hidden, **cleaned)), inputs, _model_of(prompt)


class _Instead:
    """Another object with some attributes changed."""

    def __init__(self, behind: Any, **changed: Any) -> None:
        self.__dict__.update(changed)
        self.__dict__["_behind"] = behind

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_behind"], name)


def _model_of(prompt: Any) -> str:
    """The model that a graph loads, without folders and suffix."""
    for node in prompt.values() if isinstance(prompt, dict) else ():
        inputs = node.get("inputs", {}) if isinstance(node, dict) else {}
        for name in _MODEL_INPUTS:
            if isinstance(inputs.get(name), str):
                base: str = os.path.basename(inputs[name].replace("\\", "/"))
                return os.path.splitext(base)[0]
    return "ComfyUI"
