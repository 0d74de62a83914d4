"""The HTTP service: the `/v1` API and the pages on which people use it.

Its Python client is `assay.api.client`, which loads nothing of the service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.api.app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    """Load the application on first use, so that the client stays light."""
    if name == "create_app":
        from assay.api.app import create_app

        return create_app
    raise AttributeError(f"module 'assay.api' has no attribute {name!r}")
