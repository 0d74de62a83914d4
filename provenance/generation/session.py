"""One run: a pipeline, a row of seeds, and every output saved before the next is made."""

from __future__ import annotations

import inspect
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.errors import AssayError, ConfigurationError
from assay.files import write_atomically
from assay.provenance.generation.attaching import attachment_of
from assay.provenance.generation.outputs import FIELDS
from assay.provenance.generation.recording import call_facts, pipeline_facts
from assay.provenance.generation.saving import FPS, QUALITY, save
from assay.provenance.marking import Signed
from assay.provenance.matching import Registry

SCHEMA = "assay.generation-settings/1"
_SEED_BITS = 31  # within what every tool accepts as a seed
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Made:
    """What became of one seed: a signed file, or the reason why there is none."""

    seed: int
    path: Path
    signed: Signed | None = None
    error: AssayError | None = None


@dataclass
class Session:
    """Runs an attached pipeline for one seed after the other.

    Attributes:
        pipeline: attached.
        task: first part of the file names.
        arguments: of the pipeline, without generator.
        folder: where outputs go; existing files are never replaced.
        suffix: `.png`, `.mp4`, ...
        seed: of the first output; the next ones count on. None draws one.
        told: more for the sidecar, such as file names.
    """

    pipeline: Any
    task: str
    arguments: dict[str, Any]
    folder: Path
    suffix: str = ".png"
    seed: int | None = None
    fps: float = FPS
    quality: int = QUALITY
    told: dict[str, Any] = field(default_factory=dict)
    made: list[Made] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.seed is None:
            self.seed = secrets.randbits(_SEED_BITS)
        self._first = _next_number(self.folder, self.task)
        self._parameters = inspect.signature(type(self.pipeline).__call__).parameters
        unknown = self.arguments.keys() - self._parameters.keys()
        if unknown:
            raise ConfigurationError(
                f"{type(self.pipeline).__name__} takes no {', '.join(sorted(unknown))}"
            )

    def run(self, count: int, *, registry: Registry, progress: Progress) -> Iterator[Made]:
        """Generate, save and report one output after the other.

        What was made stays on disk whatever happens to the next one. An output that is
        refused does not stop the others, unless nothing more could be written or signed.
        """
        for index in range(count):
            made = self._one(index, registry, progress)
            self.made.append(made)
            self.write_sidecar()
            yield made
            if made.error is not None and made.error.code in _HOPELESS:
                return

    @property
    def sidecar(self) -> Path:
        """Where the settings are kept: beside the outputs, named for the first."""
        return self.folder / f"{self.task}-{self._first:04d}.json"

    @property
    def sheet(self) -> Path:
        return self.folder / f"{self.task}-{self._first:04d}-sheet.png"

    def write_sidecar(self, **more: Any) -> None:
        """Write prompt, seeds and settings; the file is for you, nothing in it is published."""
        if not any(made.signed for made in self.made):
            return
        document = {
            "schema": SCHEMA,
            "task": self.task,
            "model": attachment_of(self.pipeline).model,
            "weights": dict(attachment_of(self.pipeline).weights),
            **pipeline_facts(self.pipeline),
            **call_facts(self.arguments),
            **{k: v for k, v in self.arguments.items() if isinstance(v, str | int | float)},
            **self.told,
            "outputs": [_entry(made) for made in self.made],
            **more,
        }
        write_atomically(self.sidecar, json.dumps(document, indent=2, ensure_ascii=False) + "\n")

    def _one(self, index: int, registry: Registry, progress: Progress) -> Made:
        import torch

        assert self.seed is not None
        seed = self.seed + index
        path = self.folder / f"{self.task}-{self._first + index:04d}{self.suffix}"
        arguments = dict(self.arguments)
        if "generator" in self._parameters:
            arguments["generator"] = torch.Generator("cpu").manual_seed(seed)
        if "callback_on_step_end" in self._parameters:
            arguments["callback_on_step_end"] = _stepping(progress)
        try:
            result = _finished(self.pipeline(**arguments))
            signed = save(result, path, fps=self.fps, quality=self.quality, registry=registry)
        except AssayError as error:
            return Made(seed, path, error=error)
        return Made(seed, path, signed=signed)


_HOPELESS = frozenset(
    {
        "output-refused",
        "keys-unavailable",
        "timestamp-unavailable",
        "configuration",
        "strict-mask",
    }
)
"""Errors that the next output would meet too: a full disk, an expired certificate."""


def _finished(result: Any) -> Any:
    """The one picture or clip of a result."""
    for name, _ in FIELDS:
        value = getattr(result, name, None)
        if value is not None and len(value) == 1:
            return value[0]
    raise ConfigurationError(
        f"{type(result).__name__} holds no single picture or clip",
        advice="use the pipeline from Python with `generation.attach`",
    )


def _stepping(progress: Progress) -> Callable[..., Mapping[str, Any]]:
    def step_done(
        pipeline: Any, step: int, timestep: Any, values: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        progress(step + 1, getattr(pipeline, "num_timesteps", None))
        return values

    return step_done


def _entry(made: Made) -> dict[str, Any]:
    entry: dict[str, Any] = {"file": made.path.name, "seed": made.seed}
    if made.signed is not None:
        receipt = made.signed.receipt
        entry |= {
            "manifest": receipt.manifest_label,
            "watermark": receipt.payload,
            "sha256": receipt.sha256_after,
        }
    if made.error is not None:
        entry["error"] = made.error.message
    return entry


def _next_number(folder: Path, task: str) -> int:
    """One more than the highest number of this task in the folder."""
    numbers = [
        int(digits)
        for path in (folder.glob(f"{task}-*") if folder.is_dir() else ())
        if (digits := path.name.removeprefix(f"{task}-")[:4]).isdigit()
    ]
    return max(numbers, default=0) + 1
