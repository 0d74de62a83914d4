"""What both host extensions need: the signing process, and clean metadata.

Runs inside the host's own Python, 3.10 or newer, with the standard library only: Assay itself
is installed elsewhere and called as a command, so that neither disturbs the other's packages.
The same file lies in `a1111/` and in `comfyui/`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import threading
import time
from typing import Any

SECONDS = 600.0
"""For one file; a long video takes minutes."""
REMOVED = "[removed]"

_SECRET_NAME = re.compile(
    r"(?:^|[_\-. ])(?:api[_\-. ]?keys?|keys?|secrets?|tokens?|passwords?|passwd|passphrase|"
    r"authorization|bearer|credentials?|cookies?)(?:$|[_\-. ])",
    re.IGNORECASE,
)
_SECRET_SHAPE = re.compile(
    r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic, Stripe
    r"|\bhf_[A-Za-z0-9]{20,}|\br8_[A-Za-z0-9]{20,}"  # Hugging Face, Replicate
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}|\bglpat-[\w-]{20,}|\bxox[abprs]-[\w-]{10,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{35}|\bcomfyui-[0-9a-f]{32,}"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{32}\b"  # fal
    r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"  # JSON Web Token
    r"|(?<=[Bb]earer )[\w.~+/-]{16,}=*|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
_FOLDERS = re.compile(
    r"""\b[A-Za-z]:\\(?:[^\\/"'<>|\r\n]+\\)*"""
    r"""|(?<![\w:/])~?/(?=[\w.-]+/)(?:[^\s/"'<>|]+/)*"""
)
"""The folders of absolute paths, of Windows and POSIX; the files' own names are kept."""
_ELSEWHERE = 8
"""Characters from which a secret is looked for in other places too; a short one is a word."""


class NotSigned(RuntimeError):
    """A file was not signed and has been taken out of the host's folder."""


class Signer:
    """One `assay sign -` process, started when it is first needed and again when it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def sign_in_place(self, path: str, generator: str) -> dict[str, Any]:
        """Replace a file by its signed version; gives the receipt.

        Raises:
            NotSigned: nothing unsigned stays under this name: the file is now in the folder
                of the environment variable ASSAY_UNSIGNED, with the reason beside it.
        """
        folder, name = os.path.split(os.path.abspath(path))
        result = os.path.join(folder, ".assay-" + name)
        request = {"source": path, "out": result, "generator": generator}
        try:
            answer = self._ask(request)
            if "manifest_label" not in answer:
                raise NotSigned(str(answer.get("detail", answer)))
            if os.path.exists(result):  # else the file was signed before
                os.replace(result, path)
        except (OSError, ValueError, NotSigned) as error:
            if os.path.exists(result):
                os.remove(result)
            kept = _put_away(path, str(error))
            raise NotSigned(f"{name} was not signed and is now {kept}: {error}") from error
        return answer

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.communicate(timeout=SECONDS)

    def _ask(self, request: dict[str, str]) -> dict[str, Any]:
        with self._lock:
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            overdue = threading.Timer(SECONDS, process.kill)
            overdue.start()
            try:
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            finally:
                overdue.cancel()
        if not line:
            raise NotSigned("the signing process ended; its own output says why")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            command = shlex.split(os.environ.get("ASSAY_COMMAND", "assay"))
            self._process = subprocess.Popen(
                [*command, "sign", "-"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                env=_environment(),
            )
        return self._process


SIGNER = Signer()


def clean(metadata: dict[str, Any]) -> dict[str, Any]:
    """A copy without secrets and without the folders of absolute paths.

    A secret is what stands under a name such as `api_key`, and everywhere else where the same
    text stands (the widgets of a ComfyUI workflow have no names), and what has the shape of a
    well-known key. Text that is JSON is cleaned as JSON.
    """
    parsed = {key: _parsed(value) for key, value in metadata.items()}
    secrets = sorted(_secrets(parsed), key=len, reverse=True)
    cleaned = _cleaned(parsed, secrets)
    for key, value in metadata.items():
        if isinstance(value, str) and not isinstance(cleaned[key], str):
            cleaned[key] = json.dumps(cleaned[key])
    result: dict[str, Any] = cleaned
    return result


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _secrets(value: Any) -> set[str]:
    """What stands under the name of a secret and is long enough to be nothing else."""
    found: set[str] = set()
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str) and _SECRET_NAME.search(str(key)):
                found.update([inner] if len(inner) >= _ELSEWHERE else [])
            found |= _secrets(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            found |= _secrets(inner)
    return found


def _cleaned(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, dict):
        return {
            key: REMOVED
            if isinstance(inner, str) and inner and _SECRET_NAME.search(str(key))
            else _cleaned(inner, secrets)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_cleaned(inner, secrets) for inner in value]
    if not isinstance(value, str):
        return value
    for secret in secrets:
        value = value.replace(secret, REMOVED)
    return _FOLDERS.sub("", _SECRET_SHAPE.sub(REMOVED, value))


def _put_away(path: str, reason: str) -> str:
    folder = os.environ.get("ASSAY_UNSIGNED") or os.path.join(
        os.path.expanduser("~"), "assay-unsigned"
    )
    os.makedirs(folder, mode=0o700, exist_ok=True)
    kept = os.path.join(folder, f"{time.time_ns()}-{os.path.basename(path)}")
    shutil.move(path, kept)
    with open(kept + ".reason.txt", "w", encoding="utf-8") as file:
        file.write(reason + "\n")
    return kept


def _environment() -> dict[str, str]:
    """Without what would make another Python load the host's packages."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in hidden}
