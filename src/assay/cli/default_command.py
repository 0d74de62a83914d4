"""A group of commands of which one may be left unnamed."""

from __future__ import annotations

import typer
from typer.core import TyperGroup


class DefaultCommand(TyperGroup):
    """A first word that names no command belongs to the command `default`."""

    default: str

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [self.default, *args]
        return super().parse_args(ctx, args)
