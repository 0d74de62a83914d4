"""Make a pipeline mark everything it returns.

Python looks `__call__` up on the class, so the class of this one object is replaced by a
subclass of the same name: `isinstance` holds, and `save_pretrained` writes the right class.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from assay.errors import ConfigurationError
from assay.provenance.generation import carrying_over, recording
from assay.provenance.generation.calls import Call
from assay.provenance.generation.embedding import mark_all
from assay.provenance.generation.outputs import FIELDS, Kind
from assay.provenance.generation.policy import Policy
from assay.provenance.generation.remembering import Output
from assay.provenance.generation.strict_mask import Region
from assay.provenance.keys import watermark_key
from assay.provenance.vocabulary import DigitalSourceType

P = TypeVar("P")
_ATTACHMENT = "_assay_attachment"
_BASE = "_assay_base"


@dataclass(frozen=True)
class Attachment:
    """What an attached pipeline carries.

    Attributes:
        model: name for manifests.
        weights: hashes of its networks, taken when it was attached.
    """

    policy: Policy
    model: str
    weights: Mapping[str, str] = field(default_factory=dict)


def attach(pipeline: P, policy: Policy | None = None) -> P:
    """Mark every picture and clip that `pipeline` returns from now on.

    Works for any diffusers pipeline, and for any other object whose class has a `__call__`
    that returns pictures. Each output gets its own payload; `save` gives it its manifest.
    Latents (`output_type="latent"`) pass unmarked. Attaching again replaces the policy.

    Args:
        pipeline: changed in place; models and settings stay as they are.
        policy: default `Policy()`.

    Returns:
        The same pipeline.

    Raises:
        KeysUnavailable: there is no watermark key; said now and not after an hour of work.
        ConfigurationError: the object cannot be called.
    """
    policy = policy or Policy()
    if policy.watermark != "never":
        watermark_key()
    base: Any = _base_of(pipeline)
    if inspect.isroutine(pipeline) or not any("__call__" in vars(part) for part in base.__mro__):
        raise ConfigurationError(
            f"{base.__name__} is not a pipeline", advice="functions take the decorator `marked`"
        )
    hashes = recording.weight_hashes(pipeline) if policy.weights else {}
    name = policy.model or recording.model_name(pipeline)
    carrying_over.watch(pipeline, _carry)
    setattr(pipeline, _ATTACHMENT, Attachment(policy, recording.clean_name(name), hashes))
    if type(pipeline) is base:
        pipeline.__class__ = _marking_class(base)  # type: ignore[arg-type]
    return pipeline


def detach(pipeline: P) -> P:
    """Undo `attach`; a pipeline that is not attached stays as it is."""
    if is_attached(pipeline):
        pipeline.__class__ = _base_of(pipeline)
        delattr(pipeline, _ATTACHMENT)
        carrying_over.forget(pipeline)
    return pipeline


def is_attached(pipeline: object) -> bool:
    """Whether the outputs of this pipeline leave marked."""
    return _BASE in vars(type(pipeline))


def attachment_of(pipeline: Any) -> Attachment:
    """What an attached pipeline carries."""
    found: Attachment = getattr(pipeline, _ATTACHMENT)
    return found


def _carry(old: Any, new: Any) -> None:
    """`from_pipe` made `new` from `old`."""
    if is_attached(old) and not is_attached(new):
        attach(new, attachment_of(old).policy)


def _base_of(pipeline: object) -> type:
    return vars(type(pipeline)).get(_BASE, type(pipeline))  # type: ignore[no-any-return]


@functools.cache
def _marking_class(base: type) -> type:
    call = base.__call__

    @functools.wraps(call)
    def marked_call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _run(call, self, args, kwargs)

    names = {
        "__call__": marked_call,
        "__doc__": base.__doc__,
        "__module__": base.__module__,
        "__qualname__": base.__qualname__,
        _BASE: base,
    }
    return type(base.__name__, (base,), names)


def _run(function: Any, pipeline: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    attachment = attachment_of(pipeline)
    if attachment.policy.watermark != "never":
        watermark_key()
    call = Call.of(function, pipeline, args, kwargs)
    region = _region(call, attachment.policy)
    result = function(*call.bound.args, **call.bound.kwargs)
    if call.gives_latents:
        return result
    return _mark_result(result, _Describer(call, attachment, region))


def _region(call: Call, policy: Policy) -> Region | None:
    """What a strict mask allows to change; also makes the pipeline keep the base's size."""
    if policy.strict_mask is None or call.known.get("mask_image") is None:
        return None
    source = call.source("image")
    if source is None:
        raise ConfigurationError("a strict mask needs one base image in the argument `image`")
    region = Region.of(source, call.known["mask_image"], policy.strict_mask)
    height, width = region.base.shape[:2]
    for name, size in (("height", height), ("width", width)):
        call.set_missing(name, size)
    return region


class _Describer:
    """What is known about each output of one call."""

    def __init__(self, call: Call, attachment: Attachment, region: Region | None) -> None:
        self._call = call
        self._attachment = attachment
        self._region = region
        self._facts: dict[str, Any] | None = None

    def facts(self) -> dict[str, Any]:
        """The facts that all outputs of the call share."""
        if self._facts is None:
            self._facts = {
                "model": self._attachment.model,
                **({"weights": dict(self._attachment.weights)} if self._attachment.weights else {}),
                **recording.pipeline_facts(self._call.pipeline),
                **recording.call_facts(self._call.known),
            }
        return self._facts

    def describe(self, kind: Kind, index: int, count: int) -> Output:
        base = self._call.base_of(index, count, kind)
        return Output(
            agent=self._attachment.model,
            policy=self._attachment.policy,
            facts={**self.facts(), **({"output": index, "outputs": count} if count > 1 else {})},
            base=None if base is None else base[0],
            source_type=(DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA if base is None else base[1]),
            inputs=self._call.inputs_of(index, count, kind),
            region=self._region,
            secrets=self._call.secrets_of(index, count),
            complete=base is None or not base[0].altered,
        )


def _mark_result(result: Any, describer: _Describer) -> Any:
    """Mark the pixels in an output object, a tuple, or a state of a modular pipeline."""
    if isinstance(result, tuple):
        kind: Kind = "frames" if _gives_frames(describer) else "images"
        flags = _flags(result[1]) if len(result) > 1 else ()
        first = mark_all(result[0], kind, functools.partial(describer.describe, kind), flags)
        return (first, *result[1:])
    values = result if isinstance(result, dict) else getattr(result, "values", None)
    if not isinstance(values, dict):
        return mark_all(result, "images", functools.partial(describer.describe, "images"))
    for name, kind in FIELDS:
        if values.get(name) is not None:
            flags = _flags(values.get("nsfw_content_detected"))
            values[name] = mark_all(
                values[name], kind, functools.partial(describer.describe, kind), flags
            )
    return result


def _gives_frames(describer: _Describer) -> bool:
    return "num_frames" in describer._call.known or "video" in describer._call.known


def _flags(value: Any) -> Sequence[bool]:
    if isinstance(value, list) and all(isinstance(flag, bool) for flag in value):
        return value
    return ()
