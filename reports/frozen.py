"""The base type of results."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Base of all result types."""

    model_config = ConfigDict(frozen=True, extra="forbid")
