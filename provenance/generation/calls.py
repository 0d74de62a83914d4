"""One call of a pipeline: its arguments by name, its seeds, and the pictures it looks at."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.provenance.generation.errors import UnusablePicture
from assay.provenance.generation.outputs import Kind
from assay.provenance.generation.pixels import is_array, is_picture
from assay.provenance.generation.remembering import Secrets
from assay.provenance.generation.sources import Source, source_of
from assay.provenance.vocabulary import DigitalSourceType

_SEED_BITS = 63
_INPUTS = {
    "control_image": "control map",
    "ip_adapter_image": "style reference",
    "mask_image": "mask",
    "last_image": "last frame",
    "conditioning_frames": "frame to pass through",
    "video": "first frame of the video",
}
"""Arguments that hold pictures which the model looks at, and their titles in the manifest."""


@dataclass
class Call:
    """The arguments of one call.

    Attributes:
        bound: as the pipeline will get them.
        known: by name, with defaults.
        fresh: whether nothing was drawn from the generators before this call.
    """

    pipeline: Any
    bound: inspect.BoundArguments
    known: dict[str, Any]
    fresh: bool
    _sources: dict[int, Source] = field(default_factory=dict)

    @classmethod
    def of(
        cls, function: Any, pipeline: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Call:
        """Bind positional arguments to their names; draw a seed when there is none.

        Raises:
            TypeError: as the call itself would.
        """
        bound = inspect.signature(function).bind(pipeline, *args, **kwargs)
        parameters = bound.signature.parameters
        if "generator" in parameters and bound.arguments.get("generator") is None:
            bound.arguments["generator"] = _new_generator()
        bound.apply_defaults()
        known = dict(bound.arguments)
        for name, parameter in parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                known |= known.pop(name)
        return cls(pipeline, bound, known, fresh=_are_fresh(known.get("generator")))

    def set_missing(self, name: str, value: Any) -> None:
        """Give an argument that the pipeline knows and the caller left out."""
        if name in self.bound.arguments and self.bound.arguments[name] is None:
            self.bound.arguments[name] = self.known[name] = value

    @property
    def gives_latents(self) -> bool:
        """Whether the caller asked for an intermediate result."""
        return bool(self.known.get("output_type") == "latent")

    def secrets_of(self, index: int, count: int) -> Secrets:
        """Prompt and seed of output `index` of `count`."""
        seed, reproduces = self._seed(index, count)
        return Secrets(
            prompt=_item(self.known.get("prompt"), index, count),
            negative_prompt=_item(self.known.get("negative_prompt"), index, count),
            seed=seed,
            seed_reproduces=reproduces and self.fresh,
        )

    def base_of(
        self, index: int, count: int, kind: Kind
    ) -> tuple[Source, DigitalSourceType] | None:
        """The picture that was changed into output `index`, and how much of it is new.

        A picture is the base where the pipeline repaints, varies or enlarges it. What only
        guides (a control map) or starts a video is an input.
        """
        share = self._base_share()
        if share is None or kind == "frames":
            return None
        source = self.source("image", index, count)
        return None if source is None else (source, share)

    def inputs_of(self, index: int, count: int, kind: Kind) -> tuple[tuple[str, Source], ...]:
        """What the model looked at for output `index`."""
        titles = dict(_INPUTS)
        if self._base_share() is None or kind == "frames":
            has_control = "controlnet" in self._components and "control_image" not in self.known
            titles["image"] = "control map" if has_control else "first frame"
            if kind == "images" and not has_control:
                titles["image"] = "reference"
        found = []
        for name, title in titles.items():
            source = self.source(name, index, count)
            if source is not None:
                found.append((title, source))
        return tuple(found)

    def source(self, name: str, index: int = 0, count: int = 1) -> Source | None:
        """The file behind a picture argument, or None where there is no picture in it."""
        picture = _picture(self.known.get(name), index, count)
        if picture is None:
            return None
        if id(picture) not in self._sources:
            try:
                self._sources[id(picture)] = source_of(picture)
            except UnusablePicture:
                return None
        return self._sources[id(picture)]

    @property
    def _components(self) -> Mapping[str, Any]:
        components = getattr(self.pipeline, "components", None)
        return components if isinstance(components, Mapping) else {}

    def _base_share(self) -> DigitalSourceType | None:
        """The source type of a change to `image`; None where `image` is not changed."""
        if "image" not in self.known:
            return None
        if "mask_image" in self.known:
            return DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA
        enlarges = "noise_level" in self.known or "Upscale" in type(self.pipeline).__name__
        if enlarges:
            return DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA
        repaints = {"strength", "image_guidance_scale"} & self.known.keys()
        return DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA if repaints else None

    def _seed(self, index: int, count: int) -> tuple[int | None, bool]:
        generator = self.known.get("generator")
        if isinstance(generator, list | tuple):
            if len(generator) != count:
                return None, False
            return int(generator[index].initial_seed()), True
        if not hasattr(generator, "initial_seed"):
            return None, False
        return int(generator.initial_seed()), count == 1  # type: ignore[union-attr]


def _new_generator() -> Any:
    """On the CPU, as diffusers advises: the same seed then gives the same noise everywhere."""
    import torch

    return torch.Generator("cpu").manual_seed(secrets.randbits(_SEED_BITS))


def _are_fresh(generators: Any) -> bool:
    """Whether nothing was drawn from the generators since they were seeded."""
    import torch

    several = generators if isinstance(generators, list | tuple) else [generators]
    for generator in several:
        if not hasattr(generator, "initial_seed"):
            return False
        seeded = torch.Generator(generator.device).manual_seed(generator.initial_seed())
        if not torch.equal(seeded.get_state(), generator.get_state()):
            return False
    return True


def _item(value: Any, index: int, count: int) -> str | None:
    """The text of output `index`: with several outputs for each prompt they follow in order."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and value:
        each = max(1, count // len(value))
        item = value[min(index // each, len(value) - 1)]
        return item if isinstance(item, str) else None
    return None


def _picture(value: Any, index: int, count: int) -> Any:
    """The picture of output `index` in an argument that holds one, a list, or a batch."""
    if value is None or is_picture(value):
        return value
    if is_array(value) and value.ndim >= 4:
        value = list(value)
    if isinstance(value, list | tuple) and value:
        each = max(1, count // len(value))
        return _picture(value[min(index // each, len(value) - 1)], 0, 1)
    return None
