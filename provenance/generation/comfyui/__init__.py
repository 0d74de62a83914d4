"""ComfyUI node pack: whatever an output node writes is signed before the node returns.

Copy this folder into `custom_nodes/`. It adds no node; it wraps those that are there.
"""

from __future__ import annotations

from typing import Any

NODE_CLASS_MAPPINGS: dict[str, Any] = {}
"""ComfyUI loads only packs that have this name."""


def _install() -> None:
    try:
        import nodes
        from server import PromptServer  # type: ignore[import-not-found]
    except ImportError:
        return  # not inside ComfyUI
    from . import hooks  # noqa: TID251 (a package of its own once it is copied)

    hooks.install(nodes.NODE_CLASS_MAPPINGS, PromptServer.instance)


_install()
