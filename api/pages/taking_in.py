"""Several files at once: each is taken in or refused by itself, and nothing is left unsaid."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from fastapi import UploadFile

from assay.api.accepting import accept_upload, accept_url
from assay.api.problems import document, status_of
from assay.api.records import Record
from assay.api.runtime import Runtime
from assay.api.uploads import file_name
from assay.errors import AssayError

MOST_FILES = 50  # of one form; a folder is for `assay verify`


@dataclass(frozen=True)
class Refused:
    """A file that was not taken in.

    Attributes:
        name: of the file, or its address.
        why: one sentence, without the name.
    """

    name: str
    why: str
    advice: str | None
    status: int


@dataclass
class Batch:
    """What became of the files of one form.

    Attributes:
        left_out: names of the files over `MOST_FILES`, which nobody looked at.
    """

    accepted: list[Record] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether every file was accepted."""
        return not self.refused and not self.left_out

    def take(self, name: str, accept: Callable[[], Record]) -> None:
        """Take one file in; a refusal of it touches no other."""
        try:
            self.accepted.append(accept())
        except AssayError as error:
            told = document(error)  # our own failures tell no particulars
            why = str(told["detail"])
            for known in (f"{name}: ", "upload: "):
                why = why.removeprefix(known)
            self.refused.append(Refused(name, why, told.get("advice"), status_of(error)))


def take_in(runtime: Runtime, files: Iterable[UploadFile], url: str, caller: str) -> Batch:
    """Take in the files of a form and, when one is given, an address."""
    batch = Batch()
    chosen = [file for file in files if file.filename]
    for file in chosen[:MOST_FILES]:
        name = file_name(file)

        def accept(file: UploadFile = file, name: str | None = name) -> Record:
            return accept_upload(runtime, file.file, name, caller)

        batch.take(name or "A file without a name", accept)
    batch.left_out += [file_name(file) or "not named" for file in chosen[MOST_FILES:]]
    if url:
        batch.take(url, lambda: accept_url(runtime, url, caller))
    return batch
