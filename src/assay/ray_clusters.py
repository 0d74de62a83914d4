"""Joining a Ray cluster: an optional library, and never one that lets anybody in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from assay.errors import MissingExtra


@contextmanager
def ray_required() -> Iterator[None]:
    """Around every `import ray`.

    Anyone who reaches an open Ray port runs code (CVE-2023-48022). Ray reads whether callers
    need a token when it is imported, so that is switched on before, unless `RAY_AUTH_MODE`
    says otherwise.

    Raises:
        MissingExtra: ray, or the part of it that is imported, is not installed.
    """
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra("no ray", advice="pip install 'assay[scale]'") from error
