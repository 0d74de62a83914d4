"""`assay sign -`: one JSON request a line in, one JSON answer a line out.

For programs in another language or with another Python, which start the command once and then
sign without waiting for it to start.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from assay.cli.console import print_json
from assay.errors import AssayError, ConfigurationError, UnreadableFile

if TYPE_CHECKING:
    from assay.provenance.marking import Receipt
    from assay.provenance.matching import Registry

_OPTIONS = frozenset({"profile", "generator", "generator_version", "prompt", "prompt_policy"})


def run(requests: TextIO | None = None) -> int:
    """Answer requests `{"source": PATH, "out": PATH, ...}` until the input ends.

    Pictures and videos get both marks, animations and documents a manifest only. A file that
    is signed already and trusted is answered with what it has; nothing is written then.

    Args:
        requests: default standard input.

    Returns:
        0: refusals are answers, not failures of the command.
    """
    from assay.provenance.matching import Registry
    from assay.settings import settings

    registry = None
    for line in requests or sys.stdin:
        try:
            if registry is None:
                registry = Registry(settings().registry_url)
            print_json(_answer(_request(line), registry))
        except AssayError as error:
            print_json(error.problem())
        except OSError as error:
            print_json(UnreadableFile(f"{error.filename}: {error.strerror or error}").problem())
    return 0


def _request(line: str) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except ValueError as error:
        raise ConfigurationError(f"not JSON: {error}") from error
    if not isinstance(request, dict) or not {"source", "out"} <= request.keys():
        raise ConfigurationError('a request is an object with "source" and "out"')
    if unknown := request.keys() - _OPTIONS - {"source", "out"}:
        raise ConfigurationError(f"unknown in a request: {', '.join(sorted(unknown))}")
    return request


def _answer(request: dict[str, Any], registry: Registry) -> Receipt | dict[str, Any]:
    from assay.media import Media
    from assay.provenance.document_signing import sign_document
    from assay.provenance.documents import looks_like_document
    from assay.provenance.marking import sign
    from assay.provenance.reading import read

    source, out = Path(request["source"]), Path(request["out"])
    options = {name: request[name] for name in _OPTIONS & request.keys()}
    if looks_like_document(source):
        return sign_document(source, out=out, **options).receipt
    media = Media.open(source)
    credentials = read(media)
    if credentials.state == "trusted":
        return {"manifest_label": credentials.manifest_label, "signer": str(credentials.signer)}
    animated = media.is_image and (media.frames > 1 or media.media_type == "image/gif")
    signed = sign(media, out=out, watermark=not animated, registry=registry, **options)
    return signed.receipt
