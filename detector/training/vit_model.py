"""The network of detector B: a convolutional stem and a small vision transformer, through timm.

Convolutions at full resolution see what a decoder leaves between neighbouring pixels; attention
pools it over the crop ("Early Convolutions Help Transformers See Better", Xiao et al. 2021).
There is no position embedding: traces of generation do not depend on the place, and the network
takes crops of any size that is a multiple of 16. Needs the `models` extra.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# Grey levels; keeps flat crops from being blown up to noise.
_SMALLEST_DEVIATION = 8.0
_SMALLEST_RESIDUAL = 0.5
_NEIGHBOURHOOD = 7


@dataclass(frozen=True)
class Architecture:
    """Size of the network.

    Attributes:
        stem: channels of the 3x3 convolutions of stride 2 before the transformer; the last one
            is its width.
        depth, heads: of the transformer.
    """

    stem: tuple[int, ...] = (24, 48, 96, 128)
    depth: int = 4
    heads: int = 4

    @property
    def width(self) -> int:
        return self.stem[-1]

    @property
    def stride(self) -> int:
        """Pixels of the crop per token, along each axis."""
        return int(2 ** len(self.stem))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class VitDetector(nn.Module):  # type: ignore[misc]
    """Crops in, one logit of "generated" each out.

    The input is float32, N x 3 x H x W, sRGB 0..255, so that the exported file needs no
    preprocessing that could be done differently elsewhere.
    """

    def __init__(self, architecture: Architecture | None = None) -> None:
        super().__init__()
        import timm
        from timm.layers.hybrid_embed import HybridEmbed
        from timm.models.vision_transformer_hybrid import ConvStem

        architecture = architecture or Architecture()
        self.architecture = architecture
        convolutions = ConvStem(
            in_chans=6,
            depth=len(architecture.stem),
            channels=architecture.stem,
            stride=(2,) * len(architecture.stem),
        )
        self.backbone = timm.create_model(
            "vit_tiny_patch16_224",
            pretrained=False,
            in_chans=6,
            img_size=architecture.stride * 8,
            patch_size=1,
            dynamic_img_size=True,
            embed_dim=architecture.width,
            depth=architecture.depth,
            num_heads=architecture.heads,
            class_token=False,
            pos_embed="none",
            global_pool="avg",
            num_classes=0,
            embed_layer=partial(HybridEmbed, backbone=convolutions, proj=False),
        )
        self.head = nn.Linear(architecture.width, 1)
        binomial = torch.tensor([1.0, 2.0, 1.0])
        kernel = torch.outer(binomial, binomial) / 16
        self.register_buffer("kernel", kernel.expand(3, 1, 3, 3).clone(), persistent=False)

    def planes(self, crops: Tensor, rgb: Tensor | None = None) -> Tensor:
        """The six input planes: normalised RGB and locally normalised high-pass residual.

        Level and contrast of the crop are divided out: contrast alone separates photographs
        from generated pictures on many corpora. `rgb`, N x 1 x 1 x 1, scales the RGB planes.
        """
        centred = crops - crops.mean((2, 3), keepdim=True)
        deviation = centred.square().mean((1, 2, 3), keepdim=True).sqrt()
        colour = centred / (deviation + _SMALLEST_DEVIATION)
        if rgb is not None:
            colour = colour * rgb
        padded = functional.pad(crops, (1, 1, 1, 1), mode="reflect")
        residual = crops - functional.conv2d(padded, self.kernel, groups=3)
        energy = functional.avg_pool2d(
            residual.square().mean(1, keepdim=True),
            _NEIGHBOURHOOD,
            stride=1,
            padding=_NEIGHBOURHOOD // 2,
            count_include_pad=False,
        ).sqrt()
        return torch.cat([colour, residual / (energy + _SMALLEST_RESIDUAL)], 1)

    def features(self, crops: Tensor, rgb: Tensor | None = None) -> Tensor:
        """Pooled tokens, N x width."""
        pooled: Tensor = self.backbone(self.planes(crops, rgb))
        return pooled

    def forward(self, crops: Tensor) -> Tensor:
        """Logits, N."""
        logits: Tensor = self.head(self.features(crops)).squeeze(1)
        return logits


class _Reversed(torch.autograd.Function):  # type: ignore[misc]
    """Identity forwards, minus the gradient backwards (Ganin & Lempitsky 2015, section 3)."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return -gradients[0]


class SourceHead(nn.Module):  # type: ignore[misc]
    """Guesses the collection a crop is from; what helps it is unlearned by the features."""

    def __init__(self, width: int, sources: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, sources))

    def forward(self, features: Tensor) -> Tensor:
        guesses: Tensor = self.layers(_Reversed.apply(features))
        return guesses
