"""Gaussian Shading: a payload in the noise a picture starts from (Yang et al., CVPR 2024,
arXiv 2404.04956).

Optional, beside the watermark in the pixels: it costs no quality, because marked noise is
distributed as any other, but reading it takes the same model and an inversion of its sampling,
a minute of work instead of a moment.

    shading = GaussianShading(watermark_key())
    noise = shading.latents(pipeline, payload, height=512, width=512)
    picture = pipeline(prompt, latents=noise, height=512, width=512).images[0]
    found = shading.detect(pipeline, picture)

As in the paper the message is repeated over the latents, encrypted with ChaCha20 and becomes the
signs of Gaussian noise. Two things differ. The paper's users reuse one key stream for all of
their pictures, so those share the signs of their noise; here each picture takes one of
`STREAMS`, and the detector tries all. And part of the message is known, so that presence can be
told without a list of users.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import ConfigurationError
from assay.provenance.generation.pixels import to_pixels

PAYLOAD_BITS = 60
PAYLOAD_COPIES = 3
CHECK_BITS = 76
"""Known bits; with every stream tried, chance gets all of them right once in 10^20."""
MESSAGE_BITS = PAYLOAD_COPIES * PAYLOAD_BITS + CHECK_BITS
"""256, as the paper's default for latents of 4 x 64 x 64; that makes 64 copies of it."""
STREAMS = 1024
MIN_COPIES = 4
"""Of each bit: below, one edit is enough to lose the payload."""
LOG10_FALSE_ALARM = -6.0
"""Highest bound at which a mark is reported; the paper works at the same rate."""
_LABEL = b"assay/gaussian-shading/1"

Latents = NDArray[np.float32]


@dataclass(frozen=True)
class ShadingDetection:
    """A mark found in noise.

    Attributes:
        payload: 60 bits. Each was voted on by three times as many latents as a known bit, so
            below a `check_accuracy` of about 0.95 some may be wrong.
        check_accuracy: share of the known bits that are right, 0..1.
        log10_false_alarm: bound on the chance that unmarked noise gives as many: the tail of
            a binomial distribution, times the streams that were tried.
    """

    payload: int
    check_accuracy: float
    log10_false_alarm: float


class GaussianShading:
    """Marks and reads noise with one key.

    Args:
        key: secret; who has it can read and forge the mark. Any length from 16 bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ConfigurationError(f"a key of {len(key)} bytes is too short, 16 are needed")
        self._key = hmac.digest(key, _LABEL, sha256)

    def noise(self, payload: int, shape: tuple[int, ...]) -> Latents:
        """Standard normal noise of this shape that carries `payload`, float32.

        Raises:
            ConfigurationError: the payload has over 60 bits, or there is too little room.
        """
        if not 0 <= payload < 1 << PAYLOAD_BITS:
            raise ConfigurationError(f"payload {payload} does not fit {PAYLOAD_BITS} bits")
        count = _room(shape)
        bits = _message(payload)[np.arange(count) % MESSAGE_BITS]
        signs = 1 - 2 * (bits ^ self._stream(secrets.randbelow(STREAMS), count)).astype(np.int8)
        # |z| of fresh noise with encrypted signs: equation 4 of the paper for one bit a latent.
        magnitude = np.abs(np.random.default_rng(secrets.randbits(128)).standard_normal(count))
        return (magnitude * signs).astype(np.float32).reshape(shape)

    def read(self, noise: NDArray[Any]) -> ShadingDetection | None:
        """The mark in noise, or None when chance explains as much.

        Args:
            noise: float array of the shape that was generated, from `invert`.
        """
        from scipy.stats import binom

        count = _room(noise.shape)
        values = np.clip(np.asarray(noise, np.float32).ravel(), -3, 3)
        best, votes = -1, np.zeros(MESSAGE_BITS, np.float32)
        for index in range(STREAMS):
            tried = _votes(values * (1 - 2 * self._stream(index, count).astype(np.float32)))
            # Without a mark each vote is a fair coin: the key stream is random and votes are
            # sums of real numbers, so that there are no ties.
            right = int((tried[:CHECK_BITS] > 0).sum())
            if right > best:
                best, votes = right, tried
        tail = float(binom.logsf(best - 1, CHECK_BITS, 0.5)) / np.log(10)
        bound = float(min(0.0, tail + np.log10(STREAMS)))
        if bound > LOG10_FALSE_ALARM:
            return None
        bits = (votes[CHECK_BITS:].reshape(PAYLOAD_COPIES, -1).sum(axis=0) < 0).astype(int)
        payload = int("".join(map(str, bits)), 2)
        return ShadingDetection(payload, best / CHECK_BITS, bound)

    def latents(self, pipeline: Any, payload: int, *, height: int, width: int) -> Any:
        """Marked noise for the argument `latents` of a Stable Diffusion pipeline.

        Returns:
            A torch tensor (1, C, h, w) on the pipeline's device and of its dtype.

        Raises:
            ConfigurationError: another kind of pipeline, or too small a picture.
        """
        import torch

        _check(pipeline)
        channels, unit = pipeline.unet.config.in_channels, pipeline.vae_scale_factor
        noise = self.noise(payload, (1, channels, height // unit, width // unit))
        return torch.from_numpy(noise).to(pipeline.unet.device, pipeline.unet.dtype)

    def detect(
        self, pipeline: Any, picture: Any, *, size: tuple[int, int] | None = None, steps: int = 50
    ) -> ShadingDetection | None:
        """Look for the mark in a picture with the model that made it.

        Args:
            pipeline: a Stable Diffusion pipeline with the same weights.
            picture: PIL image, array or tensor.
            size: (height, width) at which it was generated, when it was scaled since.
            steps: of the inversion; more follow the sampling more closely.
        """
        return self.read(invert(pipeline, picture, size=size, steps=steps))

    def _stream(self, index: int, count: int) -> NDArray[np.uint8]:
        """`count` bits of one key stream, 0 or 1."""
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

        # RFC 8439: four bytes of block counter, then the nonce.
        nonce = bytes(4) + index.to_bytes(12, "little")
        stream = (
            Cipher(ChaCha20(self._key, nonce), mode=None).encryptor().update(bytes(-(-count // 8)))
        )
        return np.unpackbits(np.frombuffer(stream, np.uint8))[:count]


def invert(
    pipeline: Any, picture: Any, *, size: tuple[int, int] | None = None, steps: int = 50
) -> Latents:
    """The noise that a picture started from, as DDIM inversion without a prompt estimates it.

    Returns:
        float32 (1, C, h, w).

    Raises:
        ConfigurationError: not a Stable Diffusion pipeline.
        UnusablePicture: not a picture.
    """
    import torch
    from diffusers import DDIMInverseScheduler
    from PIL import Image

    _check(pipeline)
    pixels = to_pixels(picture)[..., :3]
    unit = pipeline.vae_scale_factor
    height, width = size or (pixels.shape[0] // unit * unit, pixels.shape[1] // unit * unit)
    image = Image.fromarray(pixels)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    scaled = np.asarray(image, np.float32).transpose(2, 0, 1)[None] / 127.5 - 1
    device, dtype = pipeline.unet.device, pipeline.unet.dtype
    scheduler = DDIMInverseScheduler.from_config(pipeline.scheduler.config)
    scheduler.set_timesteps(steps, device=device)
    with torch.no_grad():
        encoded = pipeline.vae.encode(torch.from_numpy(scaled).to(device, pipeline.vae.dtype))
        latents = encoded.latent_dist.mean.to(dtype) * pipeline.vae.config.scaling_factor
        prompt, _ = pipeline.encode_prompt("", device, 1, False)
        for timestep in scheduler.timesteps:
            predicted = pipeline.unet(latents, timestep, encoder_hidden_states=prompt).sample
            latents = scheduler.step(predicted, timestep, latents).prev_sample
    return np.asarray(latents.float().cpu().numpy(), np.float32)


def _check(pipeline: Any) -> None:
    """Only pipelines whose sampling this inverts: one text encoder, one U-Net, a VAE."""
    config: Any = getattr(getattr(pipeline, "unet", None), "config", {})
    known = hasattr(pipeline, "vae") and hasattr(pipeline, "encode_prompt")
    if not known or config.get("addition_embed_type") or config.get("in_channels") != 4:
        raise ConfigurationError(
            f"{type(pipeline).__name__}: Gaussian Shading is for Stable Diffusion 1 and 2",
            advice="the watermark in the pixels works with every pipeline",
        )


def _message(payload: int) -> NDArray[np.uint8]:
    """Known zeros, then copies of the payload, most significant bit first."""
    bits = [payload >> place & 1 for place in reversed(range(PAYLOAD_BITS))]
    return np.array([0] * CHECK_BITS + PAYLOAD_COPIES * bits, np.uint8)


def _votes(signed: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sum of all copies of each bit; positive for 0."""
    padded = np.zeros(-(-signed.size // MESSAGE_BITS) * MESSAGE_BITS, np.float32)
    padded[: signed.size] = signed
    votes: NDArray[np.float32] = padded.reshape(-1, MESSAGE_BITS).sum(axis=0)
    return votes


def _room(shape: tuple[int, ...]) -> int:
    count = int(np.prod(shape))
    if count < MIN_COPIES * MESSAGE_BITS:
        raise ConfigurationError(
            f"{count} latents hold fewer than {MIN_COPIES} copies of {MESSAGE_BITS} bits",
            advice="generate a larger picture",
        )
    return count
