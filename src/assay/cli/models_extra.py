"""What training and measuring models need beyond the base install."""

from __future__ import annotations

from importlib.util import find_spec

from assay.errors import MissingExtra


def require_models_extra(what: str, *modules: str) -> None:
    """Refuse before any work where a library is not installed.

    Args:
        what: needs them; the subject of the message.
        modules: as they are imported.

    Raises:
        MissingExtra: one of them is not there.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"{what} needs {', '.join(missing)}", advice="pip install 'assay[models]'"
        )
