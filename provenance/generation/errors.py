"""What goes wrong between a generator and a file."""

from __future__ import annotations

from assay.errors import AssayError, InputRefused


class UnusablePicture(InputRefused):
    """The array is not a finished picture."""

    code = "unusable-picture"


class UnmarkedOutput(AssayError):
    """The output carries no mark, so it is not saved."""

    code = "unmarked-output"
    exit_code = 3


class StrictMaskFailed(AssayError):
    """The strict mask cannot be kept."""

    code = "strict-mask"
    exit_code = 3


class UnmarkedOutputWarning(UserWarning):
    """An output left an attached pipeline without a mark; `save` will refuse it."""


class LostAttachmentWarning(UserWarning):
    """A new pipeline uses models of an attached one and is not attached itself."""
