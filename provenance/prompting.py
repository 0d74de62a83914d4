"""What a manifest tells about the prompt: nothing, a commitment, or all of it.

Prompts can hold names, addresses and trade secrets, so the default is to leave them out.
A commitment lets the holder of the key prove later which prompt was used without showing
it now; it is bound to one manifest, so equal prompts cannot be linked across pictures.
"""

from __future__ import annotations

import hmac
from enum import StrEnum
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from assay.provenance.claims import Manifest
from assay.provenance.keys import watermark_key

PROMPT_LABEL = "org.assay.prompt"
"""Its own assertion, so that it can be redacted and nothing else has to go."""
_PURPOSE = b"assay prompt commitment v1"


class PromptPolicy(StrEnum):
    """What becomes of a prompt."""

    OMIT = "omit"
    COMMIT = "commit"
    FULL = "full"


def with_prompt(
    manifest: Manifest,
    prompt: str,
    policy: PromptPolicy = PromptPolicy.OMIT,
    *,
    negative_prompt: str | None = None,
    seed: int | None = None,
    key: bytes | None = None,
) -> Manifest:
    """The manifest with what the policy allows.

    Args:
        manifest: its label goes into a commitment.
        prompt, negative_prompt, seed: inputs of the generation.
        policy: omit, commit or full.
        key: 32-byte master secret, default the watermark key.
    """
    if policy is PromptPolicy.OMIT:
        return manifest
    if policy is PromptPolicy.COMMIT:
        proof = commitment(manifest.label, prompt, negative_prompt, seed, key=key)
        data: dict[str, str] = {"policy": "commit", "alg": "HMAC-SHA256", "commitment": proof}
        return manifest.with_assertion(PROMPT_LABEL, data)
    full = {"policy": "full", "prompt": prompt}
    if negative_prompt:
        full["negativePrompt"] = negative_prompt
    if seed is not None:
        full["seed"] = str(seed)
    return manifest.with_assertion(PROMPT_LABEL, full)


def commitment(
    label: str,
    prompt: str,
    negative_prompt: str | None = None,
    seed: int | None = None,
    *,
    key: bytes | None = None,
) -> str:
    """Keyed commitment to a prompt, for one manifest: 64 hexadecimal digits.

    HMAC-SHA256 over the parts, each preceded by its length, under a key derived by HKDF
    (RFC 5869). Without the key a guess of the prompt cannot be checked.
    """
    secret = HKDF(hashes.SHA256(), 32, salt=None, info=_PURPOSE).derive(key or watermark_key())
    parts = [label, prompt, negative_prompt or "", "" if seed is None else str(seed)]
    message = b"".join(len(part.encode()).to_bytes(8, "big") + part.encode() for part in parts)
    return hmac.new(secret, message, sha256).hexdigest()


def is_commitment_to(
    value: str,
    label: str,
    prompt: str,
    negative_prompt: str | None = None,
    seed: int | None = None,
    *,
    key: bytes | None = None,
) -> bool:
    """Whether a commitment found in a manifest belongs to this prompt."""
    expected = commitment(label, prompt, negative_prompt, seed, key=key)
    return hmac.compare_digest(value, expected)
