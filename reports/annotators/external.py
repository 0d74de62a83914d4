"""Labels by a command of the user: a picture in, JSON out."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assay.errors import ConfigurationError, InputRefused
from assay.extending import Observation

TIMEOUT_SECONDS = 120


class ExternalCommandAnnotator:
    """Runs a command once a picture.

    The command gets a PNG on standard input, and the boxes as JSON in its last argument. It
    prints a JSON list of objects with `attribute`, `value` and optionally `confidence` and
    `reason`.

    Args:
        command: as typed in a shell; run without one.

    Raises:
        ConfigurationError: the command is empty or cannot be split.
    """

    version = "1"

    def __init__(self, command: str) -> None:
        try:
            self._command = shlex.split(command)
        except ValueError as error:
            raise ConfigurationError(f"annotator command: {error}") from error
        if not self._command:
            raise ConfigurationError("the annotator command is empty")
        self.name = f"command {self._command[0].rsplit('/', 1)[-1]}"

    def annotate(
        self,
        image: NDArray[np.uint8],
        boxes: Sequence[tuple[int, int, int, int]] | None = None,
    ) -> list[Observation]:
        """What the command printed.

        Raises:
            ConfigurationError: the command does not exist.
            InputRefused: it failed, took too long, or printed something else.
        """
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PNG")
        try:
            done = subprocess.run(
                [*self._command, json.dumps(list(boxes or []))],
                input=buffer.getvalue(),
                capture_output=True,
                timeout=TIMEOUT_SECONDS,
                check=True,
            )
            return [self._observation(dict(entry)) for entry in json.loads(done.stdout)]
        except OSError as error:
            raise ConfigurationError(f"{self._command[0]}: {error.strerror}") from error
        except subprocess.TimeoutExpired as error:
            raise InputRefused(f"{self.name} took over {TIMEOUT_SECONDS} s") from error
        except subprocess.CalledProcessError as error:
            raise InputRefused(f"{self.name} failed with exit code {error.returncode}") from error
        except (ValueError, TypeError, KeyError) as error:
            raise InputRefused(f"{self.name} printed no list of observations: {error}") from error

    def _observation(self, entry: dict[str, object]) -> Observation:
        confidence = entry.get("confidence")
        return Observation(
            attribute=str(entry["attribute"]),
            value=str(entry["value"]),
            rater=self.name,
            confidence=None if confidence is None else float(str(confidence)),
            reason=None if entry.get("reason") is None else str(entry["reason"]),
        )
