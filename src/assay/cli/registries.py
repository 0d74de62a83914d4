"""The registry that a command works on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from assay.provenance.matching import Registry

At = Annotated[
    str | None,
    typer.Option("--registry", help="File or database URL; default: the one of the settings."),
]


def open_registry(registry: str | None, *, create: bool = False) -> Registry:
    """The registry that an option names, else the one of the settings.

    Raises:
        RegistryMissing, RegistryUnusable: as `Registry`.
    """
    from assay.provenance.matching import Registry
    from assay.settings import settings

    return Registry(registry or settings().registry_url, create=create)
