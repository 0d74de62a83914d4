"""Every error Assay raises on purpose.

The message says what happened; `advice` says what to do about it. `code` is a stable
kebab-case name for scripts and for the `type` of RFC 9457 problem documents. Only the
command line turns an error into an exit code.
"""

from __future__ import annotations

from typing import ClassVar


class AssayError(Exception):
    """Something Assay refuses or cannot do."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, advice: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def problem(self, *, instance: str | None = None) -> dict[str, str]:
        """This error as an RFC 9457 problem document."""
        document = {
            "type": f"urn:assay:problem:{self.code}",
            "title": (type(self).__doc__ or self.code).splitlines()[0].rstrip("."),
            "detail": self.message,
        }
        if self.advice:
            document["advice"] = self.advice
        if instance:
            document["instance"] = instance
        return document


class InputRefused(AssayError):
    """The input cannot be examined."""

    code = "input-refused"
    exit_code = 3


class UnreadableFile(InputRefused):
    """The file cannot be read."""

    code = "unreadable-file"


class UnsupportedMedia(InputRefused):
    """The content is not a media type Assay handles."""

    code = "unsupported-media"


class MisnamedFile(InputRefused):
    """The file name claims another type than the content."""

    code = "misnamed-file"


class PolyglotFile(InputRefused):
    """The file is also a valid file of a second, active type."""

    code = "polyglot-file"


class DamagedMedia(InputRefused):
    """The content is truncated or corrupt."""

    code = "damaged-media"


class LimitExceeded(InputRefused):
    """The content is outside the configured limits."""

    code = "limit-exceeded"


class FetchRefused(InputRefused):
    """The URL may not be fetched."""

    code = "fetch-refused"


class FetchFailed(InputRefused):
    """The server gave no usable answer."""

    code = "fetch-failed"


class OutputRefused(AssayError):
    """The result cannot be written."""

    code = "output-refused"
    exit_code = 3


class MarkFailed(AssayError):
    """A mark that was written does not read back, so nothing was released."""

    code = "mark-failed"
    exit_code = 3


class AlreadyMarked(InputRefused):
    """The input already carries a watermark that would be overwritten."""

    code = "already-marked"


class KeysUnavailable(AssayError):
    """Signing or watermark keys are missing or not usable here."""

    code = "keys-unavailable"
    exit_code = 3


class ConfigurationError(AssayError):
    """A setting is missing or has a value that cannot be used."""

    code = "configuration"
    exit_code = 2


class MissingExtra(AssayError):
    """An optional part of Assay is not installed."""

    code = "missing-extra"
    exit_code = 2
