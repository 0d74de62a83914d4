"""Fitting detector B: a resumable training loop with a checkpoint that survives kill -9."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from assay.detector.crops import CROP, spread_crops
from assay.detector.training.renditions import Rendered
from assay.detector.training.sampling import Batch, Sampler
from assay.detector.training.training_log import TrainingLog
from assay.detector.training.vit_model import Architecture, SourceHead, VitDetector
from assay.errors import ConfigurationError, InputRefused, OutputRefused
from assay.files import atomic_path

Precision = Literal["auto", "fp32", "bf16", "fp16"]
Steps = Callable[[Iterable[int], int], Iterable[int]]

_CLIPPED_NORM = 1.0
_SMOOTHED = 0.05
_WARM_UP = 0.05


@dataclass(frozen=True)
class VitRecipe:
    """How detector B is trained.

    Attributes:
        steps, batch: optimiser steps and crops in each.
        crop: side of the training crops in pixels, a multiple of 16. Smaller ones let a CPU see
            more of the corpus in the same time; scoring always uses crops of 256.
        learning_rate, weight_decay: AdamW, cosine schedule after 5 % of warm-up.
        rgb_dropout: share of crops whose RGB planes are hidden, so that the residual has to
            do on its own.
        adversarial: weight of the head that must not know the source; 0 leaves it out.
        precision: "auto" takes bf16 or fp16 on a GPU that has it and fp32 on a CPU.
        seed: of weights, batches and dropout.
        architecture: size of the network.
    """

    steps: int = 3000
    batch: int = 32
    crop: int = CROP
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    rgb_dropout: float = 0.5
    adversarial: float = 0.0
    precision: Precision = "auto"
    seed: int = 0
    architecture: Architecture = field(default_factory=Architecture)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def fit_vit(
    pictures: Sequence[Rendered],
    recipe: VitRecipe,
    folder: str | Path,
    *,
    device: str = "cpu",
    resume: bool = False,
    checkpoint_every: int = 200,
    progress: Steps | None = None,
) -> VitDetector:
    """Train on rendered pictures.

    A batch and its dropout depend on the seed and the step alone, so a run that was stopped and
    resumed goes through the same steps as one that was not.

    Args:
        pictures: of both classes.
        recipe: what to do.
        folder: for `checkpoint.pt` and `log.csv`.
        device: as PyTorch names it.
        resume: go on from the checkpoint, if there is one.
        checkpoint_every: steps between checkpoints.
        progress: wraps the iterator over steps.

    Returns:
        The trained network on the CPU, in evaluation mode.

    Raises:
        InputRefused: a class is missing, the crop does not fit the network, or the checkpoint
            is of another recipe.
        ConfigurationError: the device or precision is not there.
        OutputRefused: the folder cannot be written.
    """
    if len({picture.row.generated for picture in pictures}) < 2:
        raise InputRefused("training needs real and generated pictures")
    if recipe.crop % recipe.architecture.stride:
        raise InputRefused(
            f"crops of {recipe.crop} px: not a multiple of {recipe.architecture.stride}"
        )
    place = _device(device)
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputRefused(f"{folder}: {error.strerror or error}") from error
    torch.manual_seed(recipe.seed)
    sampler = Sampler(pictures, side=recipe.crop, seed=recipe.seed)
    run = _Run(recipe, len(sampler.groups), place)
    start = run.load(folder / "checkpoint.pt") if resume else 0
    steps: Iterable[int] = range(start, recipe.steps)
    if progress is not None:
        steps = progress(steps, recipe.steps - start)
    with TrainingLog(folder, resume_at=start) as log:
        for step in steps:
            log.write(step, run.step(step, sampler.batch(step, recipe.batch)))
            if (step + 1) % checkpoint_every == 0 or step + 1 == recipe.steps:
                log.flush()
                run.save(folder / "checkpoint.pt", step + 1)
    run.network.cpu().eval()
    return run.network


class _Run:
    """The moving parts of one training."""

    def __init__(self, recipe: VitRecipe, groups: int, device: torch.device) -> None:
        self.recipe, self.device = recipe, device
        layout = torch.channels_last
        self.network = VitDetector(recipe.architecture)
        self.network.to(device, memory_format=layout).train()
        self.source_head = SourceHead(recipe.architecture.width, groups).to(device)
        self.optimiser = torch.optim.AdamW(
            [*self.network.parameters(), *self.source_head.parameters()],
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, self._rate)
        self.dtype = _dtype(recipe.precision, device)
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.dtype == torch.float16)

    def _rate(self, step: int) -> float:
        warm_up = max(1, int(_WARM_UP * self.recipe.steps))
        if step < warm_up:
            return (step + 1) / warm_up
        done = (step - warm_up) / max(1, self.recipe.steps - warm_up)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    def step(self, number: int, batch: Batch) -> dict[str, float]:
        """One optimiser step; returns what the log shows."""
        torch.manual_seed(self.recipe.seed + number)
        crops = torch.from_numpy(batch.crops).to(self.device).float()
        crops = crops.contiguous(memory_format=torch.channels_last)
        target = torch.from_numpy(batch.generated).to(self.device).float()
        shown = torch.rand(len(crops), 1, 1, 1, device=self.device) >= self.recipe.rgb_dropout
        with self._autocast():
            features = self.network.features(crops, shown.float())
            logits = self.network.head(features).squeeze(1).float()
            loss = functional.binary_cross_entropy_with_logits(
                logits, target * (1 - 2 * _SMOOTHED) + _SMOOTHED
            )
            total = loss
            if self.recipe.adversarial:
                group = torch.from_numpy(batch.group).to(self.device)
                guesses = self.source_head(features).float()
                total = loss + self.recipe.adversarial * functional.cross_entropy(guesses, group)
        self._update(total)
        right = ((logits > 0) == (target > 0.5)).float().mean()
        rate = self.schedule.get_last_lr()[0]
        return {"loss": float(loss.detach()), "accuracy": float(right), "learning_rate": rate}

    def _update(self, loss: Tensor) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimiser)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _CLIPPED_NORM)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.schedule.step()

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.dtype == torch.float32:
            return nullcontext()
        mixed: AbstractContextManager[Any] = torch.autocast(self.device.type, self.dtype)
        return mixed

    def save(self, path: Path, step: int) -> None:
        """Everything that the next step needs, in one rename."""
        state = {
            "step": step,
            "recipe": _comparable(self.recipe),
            "groups": self.source_head.layers[-1].out_features,
            "network": self.network.state_dict(),
            "source_head": self.source_head.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": {"last_epoch": self.schedule.last_epoch},
            "scaler": self.scaler.state_dict(),
        }
        with atomic_path(path) as temporary:
            torch.save(state, temporary)

    def load(self, path: Path) -> int:
        """The step to go on with; 0 without a checkpoint."""
        if not path.exists():
            return 0
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            known = state["recipe"], state["groups"]
        except Exception as error:  # torch raises many kinds for a file that is no checkpoint
            raise InputRefused(
                f"{path}: not a checkpoint ({error})", advice="delete it and train from the start"
            ) from error
        if known != (_comparable(self.recipe), self.source_head.layers[-1].out_features):
            raise InputRefused(
                f"{path}: a checkpoint of another recipe or corpus",
                advice="name another folder, or train without --resume",
            )
        self.network.load_state_dict(state["network"])
        self.source_head.load_state_dict(state["source_head"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.last_epoch = state["schedule"]["last_epoch"]
        self.scaler.load_state_dict(state["scaler"])
        return int(state["step"])


def score_pictures(
    network: VitDetector, pictures: Sequence[Rendered], *, view: int = 0, device: str = "cpu"
) -> NDArray[np.float64]:
    """Mean logit over the crops of one rendition of each picture, n, as serving computes it."""
    place = _device(device)
    network = network.to(place)
    found = []
    with torch.inference_mode():
        for picture in pictures:
            crops = torch.from_numpy(spread_crops(picture.view(view))).to(place)
            found.append(float(network(crops).mean()))
    network.cpu()
    return np.array(found)


def _comparable(recipe: VitRecipe) -> dict[str, Any]:
    """The recipe as a checkpoint holds it: plain lists instead of tuples."""
    document = recipe.as_dict()
    document["architecture"]["stem"] = list(document["architecture"]["stem"])
    return document


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise ConfigurationError(f"device {name!r}: {first}", advice="use cpu or cuda") from error
    return device


def _dtype(precision: Precision, device: torch.device) -> torch.dtype:
    if precision == "auto":
        if device.type != "cuda":
            return torch.float32
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
