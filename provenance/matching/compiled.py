"""One place that names the compiler, so that kernels stay typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba  # type: ignore[import-untyped,unused-ignore]

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel to machine code, cached on disk, releasing the interpreter lock.

    Without `fastmath` the compiler keeps the order of floating-point operations, so a
    fingerprint has the same bits on every machine.
    """
    return cast(Callable[P, R], numba.njit(cache=True, nogil=True)(function))
