"""AUTOMATIC1111 and Forge: every file that the host saves, and every picture its API sends.

The host reports exceptions of callbacks and goes on, so a file that was not signed is moved out
of the output folder before the exception is raised. The API encodes pictures itself and calls
no callback; there the encoder is wrapped, and a failure fails the request.
"""

from __future__ import annotations

import base64
import os
import re
import tempfile
from typing import Any

# The host puts the extension's folder on the search path.
import assay_signing  # type: ignore[import-not-found]
from modules import script_callbacks

_SUFFIXES = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"RIFF": ".webp"}
_WRAPPED = "_assay_signs"


def before_image_saved(params: Any) -> None:
    """`ImageSaveParams` may be changed here: remove secrets before they reach the file."""
    if params.pnginfo:
        params.pnginfo.update(assay_signing.clean(params.pnginfo))


def image_saved(params: Any) -> None:
    """The file exists: sign it in place, and the smaller copy that the host makes of large ones."""
    # Where the name was taken the host has chosen another and notes it on the image only.
    saved = getattr(params.image, "already_saved_as", None) or params.filename
    failures = []
    for path in [saved, *_copies(saved)]:
        try:
            assay_signing.SIGNER.sign_in_place(path, _model(params.p))
        except assay_signing.NotSigned as error:
            failures.append(error)
    if failures:
        raise failures[0]


def _copies(path: str) -> list[str]:
    """`NAME.jpg` and `NAME-1.jpg` beside a file; what is signed already stays as it is."""
    folder, name = os.path.split(os.path.abspath(path))
    copy = re.compile(re.escape(os.path.splitext(name)[0]) + r"(-\d+)?\.jpg")
    return [
        os.path.join(folder, other)
        for other in sorted(os.listdir(folder))
        if other != name and copy.fullmatch(other)
    ]


def app_started(demo: Any, app: Any) -> None:
    """Wrap the encoder of the API; `app` is there when the API is."""
    from modules.api import api

    original = api.encode_pil_to_base64
    if getattr(original, _WRAPPED, False):
        return

    def encode_pil_to_base64(image: Any) -> Any:
        if isinstance(image, str):  # Forge: encoded already
            return _signed(original(image))
        tidy = image.copy()
        tidy.info = assay_signing.clean(image.info)
        return _signed(original(tidy))

    setattr(encode_pil_to_base64, _WRAPPED, True)
    api.encode_pil_to_base64 = encode_pil_to_base64


def _signed(encoded: Any) -> Any:
    """Base64 of a picture, as text or bytes, signed and encoded again as it came."""
    data = base64.b64decode(encoded)
    suffix = next((end for start, end in _SUFFIXES.items() if data.startswith(start)), ".png")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "answer" + suffix)
        with open(path, "wb") as file:
            file.write(data)
        assay_signing.SIGNER.sign_in_place(path, _model(None))
        with open(path, "rb") as file:
            signed = base64.b64encode(file.read())
    return signed.decode("ascii") if isinstance(encoded, str) else signed


def _model(p: Any) -> str:
    """Name of the checkpoint that made the picture."""
    name = getattr(p, "sd_model_name", None)
    if not name:
        from modules import shared

        info = getattr(getattr(shared, "sd_model", None), "sd_checkpoint_info", None)
        name = getattr(info, "model_name", None)
    return str(name or "stable-diffusion-webui")


script_callbacks.on_before_image_saved(before_image_saved)
script_callbacks.on_image_saved(image_saved)
script_callbacks.on_app_started(app_started)
