"""Generator families: which spellings in manifests mean related models.

Leaving "sdxl-turbo" out while "SDXL 1.0 base" stays in the training set would not be leaving a
generator out, so evaluation holds out whole families.
"""

from __future__ import annotations

import re

from assay.datasets.manifests import NO_GENERATOR

# First match wins: more specific families come first.
_FAMILIES: tuple[tuple[str, str], ...] = (
    ("stylegan", r"stylegan|thispersondoesnotexist"),
    ("gan", r"progan|biggan|stargan|cyclegan|gaugan|\bgan\b"),
    ("gpt-image", r"gpt[- ]?image|gpt-?4o"),
    ("dall-e", r"dall[-· ]?e|dalle"),
    ("midjourney", r"midjourney|niji|\bmj\b"),
    ("gemini", r"gemini|nano[- ]?banana"),
    ("imagen", r"imagen"),
    ("firefly", r"firefly"),
    ("ideogram", r"ideogram"),
    ("seedream", r"seedream|jimeng"),
    ("qwen-image", r"qwen"),
    ("z-image", r"z-?image|ernie"),
    ("hunyuan", r"hunyuan"),
    ("kolors", r"kolors"),
    ("kandinsky", r"kandinsky"),
    ("flux", r"flux|chroma"),
    ("playground", r"playground"),
    ("pixart", r"pixart|sana"),
    ("auraflow", r"aura-?flow|lumina|hidream|omnigen"),
    ("stable-cascade", r"cascade|w[uü]rstchen"),
    ("deepfloyd", r"deep-?floyd|\bif\b"),
    ("sd3", r"\bsd[- ]?v?3|stable diffusion 3"),
    ("sdxl", r"sd[- _]?xl|\bxl\b|ssd-?1b|segmoe|vega|sdxs|juggernautxl|tempest"),
    ("sd2", r"\bsd[- ]?v?2|stable diffusion 2"),
    ("sd1", r"\bsd[- ]?v?1|stable diffusion|juggernaut|dreamshaper|blipdiffusion|painthua"),
    ("latent-diffusion", r"latent-diffusion|\brdm\b|\bldm\b"),
    ("adm", r"\badm\b|guided[- ]diffusion|glide"),
)
_COMPILED = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _FAMILIES)


def family_of(generator: str) -> str:
    """The family of a generator's name; an unknown name is a family of its own.

    >>> family_of("SDXL 1.0 DreamBooth LoRA")
    'sdxl'
    >>> family_of("camera")
    'camera'
    """
    if not generator or generator == NO_GENERATOR:
        return NO_GENERATOR
    for name, pattern in _COMPILED:
        if pattern.search(generator):
            return name
    return generator.strip().lower()
