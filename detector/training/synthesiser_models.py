"""Small auto-encoders whose decoders enlarge in the ways that generators do.

They are no generators: they re-draw a photograph through a decoder, which leaves the traces of
that decoder on a picture that is otherwise aligned with the real one. Needs the `models` extra.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 32
# Three of the latent planes are the picture itself, reduced; the others are learned.
LATENT = 12
FACTOR = 4
_CODES = 512
_WINDOW = 8


class Synthesiser(nn.Module):  # type: ignore[misc]
    """Encode to a quarter of the size, then decode in one of several ways.

    Pictures are float32 N x 3 x H x W in -1..1, with sides that are multiples of 32. The decoder
    adds detail to the enlarged reduction, so even a short training gives a sharp copy.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"no synthesiser {kind!r}; known: {', '.join(KINDS)}")
        self.kind = kind
        self.encoder = nn.Sequential(
            _conv(3, WIDTH, 2),
            nn.GELU(),
            _conv(WIDTH, WIDTH, 2),
            nn.GELU(),
            _conv(WIDTH, LATENT - 3),
        )
        self.codes = VectorQuantiser() if kind == "vector-quantised" else None
        self.decoder = DECODERS[kind]()

    def forward(self, pictures: Tensor) -> Tensor:
        """The re-drawn pictures, same shape."""
        reduced = functional.avg_pool2d(pictures, FACTOR)
        learned = torch.tanh(self.encoder(pictures))
        if self.codes is not None:
            learned = self.codes(learned)
        latent = torch.cat([reduced, learned], 1)
        detail: Tensor = self.decoder(latent)
        return self._enlarge(reduced) + detail

    def _enlarge(self, reduced: Tensor) -> Tensor:
        """The first guess, in the manner of the decoder."""
        mode = "nearest" if self.kind in NEAREST else "bilinear"
        return functional.interpolate(reduced, scale_factor=FACTOR, mode=mode)


class VectorQuantiser(nn.Module):  # type: ignore[misc]
    """Replace each latent vector by the nearest of a few hundred (van den Oord et al. 2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.codes = nn.Parameter(torch.rand(_CODES, LATENT - 3) * 2 - 1)

    def forward(self, latent: Tensor) -> Tensor:
        n, planes, height, width = latent.shape
        flat = latent.permute(0, 2, 3, 1).reshape(-1, planes)
        chosen = self.codes[torch.cdist(flat, self.codes).argmin(1)]
        # Straight through for the encoder, towards the encoder for the codes.
        passed = flat + (chosen - flat).detach() + (chosen - chosen.detach())
        return passed.reshape(n, height, width, planes).permute(0, 3, 1, 2)


class WindowAttention(nn.Module):  # type: ignore[misc]
    """A transformer layer within windows of 8 x 8 tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(
            WIDTH * 2, 4, WIDTH * 4, dropout=0.0, batch_first=True, norm_first=True
        )

    def forward(self, planes: Tensor) -> Tensor:
        n, c, height, width = planes.shape
        down, across = height // _WINDOW, width // _WINDOW
        windows = planes.reshape(n, c, down, _WINDOW, across, _WINDOW).permute(0, 2, 4, 3, 5, 1)
        tokens = self.layer(windows.reshape(-1, _WINDOW * _WINDOW, c))
        windows = tokens.reshape(n, down, across, _WINDOW, _WINDOW, c).permute(0, 5, 1, 3, 2, 4)
        return windows.reshape(n, c, height, width)


class InverseDct(nn.Module):  # type: ignore[misc]
    """8 x 8 coefficients to pixels: fixed, as in a JPEG decoder."""

    def __init__(self) -> None:
        super().__init__()
        place = torch.arange(8.0)
        basis = torch.cos(math.pi * (2 * place[None] + 1) * place[:, None] / 16) / 2
        basis[0] /= math.sqrt(2)
        kernel = torch.einsum("ux,vy->uvxy", basis, basis).reshape(64, 1, 8, 8)
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, coefficients: Tensor) -> Tensor:
        n, _, height, width = coefficients.shape
        planes = coefficients.reshape(n * 3, 64, height, width)
        pixels = functional.conv_transpose2d(planes, self.kernel, stride=8)
        return pixels.reshape(n, 3, height * 8, width * 8)


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, 1, padding_mode="reflect")


def _by_interpolation(mode: str) -> nn.Module:
    layers: list[nn.Module] = [_conv(LATENT, WIDTH), nn.GELU()]
    for _ in range(2):
        layers += [nn.Upsample(scale_factor=2, mode=mode), _conv(WIDTH, WIDTH), nn.GELU()]
    return nn.Sequential(*layers, _conv(WIDTH, 3))


def _by_pixel_shuffle() -> nn.Module:
    layers: list[nn.Module] = [_conv(LATENT, WIDTH), nn.GELU()]
    for _ in range(2):
        layers += [_conv(WIDTH, WIDTH * 4), nn.PixelShuffle(2), nn.GELU()]
    return nn.Sequential(*layers, _conv(WIDTH, 3))


def _by_transposed_convolution(kernel: int) -> nn.Module:
    layers: list[nn.Module] = [_conv(LATENT, WIDTH), nn.GELU()]
    for _ in range(2):
        padding, extra = (1, 0) if kernel == 4 else (1, 1)
        layers += [nn.ConvTranspose2d(WIDTH, WIDTH, kernel, 2, padding, extra), nn.GELU()]
    return nn.Sequential(*layers, _conv(WIDTH, 3))


def _by_patches() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(LATENT, WIDTH * 2, 2, 2),
        WindowAttention(),
        WindowAttention(),
        nn.Conv2d(WIDTH * 2, 3 * 64, 1),
        nn.PixelShuffle(8),
    )


def _by_dct() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(LATENT, WIDTH * 2, 2, 2),
        nn.GELU(),
        _conv(WIDTH * 2, WIDTH * 2),
        nn.GELU(),
        nn.Conv2d(WIDTH * 2, 3 * 64, 1),
        InverseDct(),
    )


DECODERS = {
    "nearest": lambda: _by_interpolation("nearest"),
    "bilinear": lambda: _by_interpolation("bilinear"),
    "pixel-shuffle": _by_pixel_shuffle,
    "transposed-3": lambda: _by_transposed_convolution(3),
    "transposed-4": lambda: _by_transposed_convolution(4),
    "patch-transformer": _by_patches,
    "vector-quantised": lambda: _by_interpolation("nearest"),
    "dct": _by_dct,
}
KINDS: tuple[str, ...] = tuple(DECODERS)
NEAREST = frozenset({"nearest", "pixel-shuffle", "vector-quantised"})
