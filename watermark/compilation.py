"""Just-in-time compilation of the few inner loops that NumPy cannot express."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` with numba, keeping the machine code on disk where that is possible.

    Sums may be reordered (the detector's decisions do not hang on the last bit), which lets
    loops use vector instructions; so does dividing without a test for zero, which gives infinity
    as in NumPy. The GIL is released, so that pictures can be worked on in
    threads. Numba refuses to cache when neither the package folder nor the user's cache folder
    is writable (read-only containers); the function is then compiled once per process instead.

    Numba notices changes of the function's own file only: whoever changes a constant that is
    imported from another file deletes `__pycache__`.
    """
    options: dict[str, Any] = {"nogil": True, "fastmath": True, "error_model": "numpy"}
    try:
        return cast("Callable[P, R]", numba.njit(cache=True, **options)(function))
    except RuntimeError:
        return cast("Callable[P, R]", numba.njit(**options)(function))
