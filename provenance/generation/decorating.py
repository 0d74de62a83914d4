"""Mark what any function returns."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, ParamSpec, TypeVar

from assay.provenance.generation.embedding import mark_all
from assay.provenance.generation.errors import UnmarkedOutputWarning
from assay.provenance.generation.outputs import Kind, count
from assay.provenance.generation.policy import Policy
from assay.provenance.generation.recording import clean_name, versions
from assay.provenance.generation.remembering import Output

A = ParamSpec("A")
R = TypeVar("R")


def marked(
    *, generator: str | None = None, kind: Kind = "images", policy: Policy | None = None
) -> Callable[[Callable[A, R]], Callable[A, R]]:
    """Decorator: mark every picture or clip that a function returns or yields.

        @generation.marked(generator="my sampler 3")
        def sample(prompt: str) -> list[Image.Image]: ...

    Coroutines and generators are followed. A result without a picture is returned as it is,
    with a warning.

    Args:
        generator: name for manifests; default the function's name.
        kind: `images`, or `frames` for a function that returns the frames of video.
        policy: default `Policy()`.
    """
    rules = policy or Policy()

    def decorate(function: Callable[A, R]) -> Callable[A, R]:
        name = clean_name(rules.model or generator or function.__name__)

        def describe(index: int, outputs: int) -> Output:
            place = {"output": index, "outputs": outputs} if outputs > 1 else {}
            return Output(name, rules, {"model": name, "versions": versions(), **place})

        def mark(result: Any) -> Any:
            if count(result, kind) == 0:
                message = f"{name} returned no {kind} that could be marked"
                warnings.warn(message, UnmarkedOutputWarning, stacklevel=3)
            return mark_all(result, kind, describe)

        return functools.wraps(function)(_around(function, mark))

    return decorate


def _around(function: Callable[..., Any], mark: Callable[[Any], Any]) -> Callable[..., Any]:
    """`function` with `mark` applied to what it returns, awaits or yields."""
    if inspect.isasyncgenfunction(function):

        async def yields_later(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            async for item in function(*args, **kwargs):
                yield mark(item)

        return yields_later
    if inspect.iscoroutinefunction(function):

        async def returns_later(*args: Any, **kwargs: Any) -> Any:
            return mark(await function(*args, **kwargs))

        return returns_later
    if inspect.isgeneratorfunction(function):

        def yields(*args: Any, **kwargs: Any) -> Iterator[Any]:
            for item in function(*args, **kwargs):
                yield mark(item)

        return yields

    def returns(*args: Any, **kwargs: Any) -> Any:
        return mark(function(*args, **kwargs))

    return returns
