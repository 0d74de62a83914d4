"""Pipelines made from an attached one: attached again by `from_pipe`, announced otherwise.

diffusers lets pipelines share models. `from_pipe` makes a new object, which knows nothing of
the old one's class; so the first `attach` teaches `from_pipe` to attach what it makes, and
the constructor of pipelines to warn when it is handed models of an attached pipeline.
"""

from __future__ import annotations

import functools
import sys
import warnings
import weakref
from collections.abc import Callable
from typing import Any

from assay.provenance.generation.errors import LostAttachmentWarning
from assay.provenance.generation.recording import networks
from assay.provenance.generation.weights import is_network

_watched: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
_attached: weakref.WeakSet[Any] = weakref.WeakSet()
_quiet = 0
Carry = Callable[[Any, Any], None]
"""(old pipeline, new pipeline): attach the new one as the old one is."""

_AUTO = ("AutoPipelineForText2Image", "AutoPipelineForImage2Image", "AutoPipelineForInpainting")


def watch(pipeline: Any, carry: Carry) -> None:
    """Know the networks of a pipeline that is being attached."""
    if "diffusers" not in sys.modules:
        return
    _teach(carry)
    if pipeline in _attached:
        return
    _attached.add(pipeline)
    for _, network in networks(pipeline):
        _watched[network] = _watched.get(network, 0) + 1


def forget(pipeline: Any) -> None:
    """A pipeline was detached."""
    _attached.discard(pipeline)
    for _, network in networks(pipeline):
        if _watched.get(network, 0) <= 1:
            _watched.pop(network, None)
        else:
            _watched[network] -= 1


@functools.cache
def _teach(carry: Carry) -> None:
    import diffusers

    for name in ("DiffusionPipeline", *_AUTO):
        owner = getattr(diffusers, name)
        owner.from_pipe = classmethod(_carrying(owner.__dict__["from_pipe"].__func__, carry))
    pipeline = diffusers.DiffusionPipeline
    pipeline.register_modules = _warning(pipeline.register_modules)


def _carrying(function: Callable[..., Any], carry: Carry) -> Callable[..., Any]:
    """`from_pipe` that passes on the policy of an attached pipeline."""

    @functools.wraps(function)
    def from_pipe(cls: Any, pipeline: Any, *args: Any, **kwargs: Any) -> Any:
        global _quiet
        _quiet += 1
        try:
            made = function(cls, pipeline, *args, **kwargs)
        finally:
            _quiet -= 1
        carry(pipeline, made)
        return made

    return from_pipe


def _warning(function: Callable[..., Any]) -> Callable[..., Any]:
    """`register_modules` that notices networks of an attached pipeline."""

    @functools.wraps(function)
    def register_modules(self: Any, **modules: Any) -> None:
        function(self, **modules)
        if not _quiet and not _is_known(self) and _shares(modules):
            warnings.warn(
                f"this {type(self).__name__} uses models of an attached pipeline; what it "
                "returns leaves unmarked until attach() is called on it",
                LostAttachmentWarning,
                stacklevel=4,
            )

    return register_modules


def _is_known(pipeline: Any) -> bool:
    """Attached itself: it registers modules again when it loads an adapter."""
    return pipeline in _attached


def _shares(modules: dict[str, Any]) -> bool:
    return any(is_network(module) and module in _watched for module in modules.values())
