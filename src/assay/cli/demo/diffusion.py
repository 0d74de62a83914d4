"""A diffusers pipeline small enough to build and run in seconds, with random weights.

It shows that the marks hold on what a real pipeline object returns; it draws nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIDE = 512


def tiny_diffusion(seed: int) -> NDArray[np.uint8]:
    """One unconditional DDIM sample, 512x512 sRGB uint8, enlarged from the network's 64x64."""
    import torch
    from diffusers import DDIMPipeline, DDIMScheduler, UNet2DModel
    from PIL import Image

    torch.manual_seed(seed)
    network = UNet2DModel(
        sample_size=64,
        in_channels=3,
        out_channels=3,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=8,
    )
    pipeline = DDIMPipeline(unet=network, scheduler=DDIMScheduler())
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(seed)
    image = pipeline(num_inference_steps=8, generator=generator).images[0]
    return np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC), np.uint8)
