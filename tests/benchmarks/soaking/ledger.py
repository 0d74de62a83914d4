"""What clients asked for and what they were told."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Upload:
    """One file to examine.

    Attributes:
        key: the `Idempotency-Key`, and the name of the file.
        sha256: of the file; no two uploads have the same.
        unclear: requests whose answer did not arrive or said to come again.
        id: of the verification, once the client was told.
        status: `done` or `failed`, once the client was told.
        answer: SHA-256 of the result as it was answered to the upload itself.
        category: of the verdict, where the client read the verification.
        refused: status of a refusal that kept nothing.
        deleted: the client was told that it is gone.
    """

    key: str
    sha256: str
    unclear: int = 0
    id: str | None = None
    status: str | None = None
    answer: str | None = None
    category: str | None = None
    refused: int | None = None
    deleted: bool = False


@dataclass
class Signing:
    """One file to sign.

    Attributes:
        key, unclear: as of an upload.
        sha256: of the file before; no two have the same.
        id, label: of the signature and its manifest, once the client was told.
        signed: SHA-256 of the file that the client got.
        replayed: that the client asked again and got the same bytes.
    """

    key: str
    sha256: str
    unclear: int = 0
    id: str | None = None
    label: str | None = None
    signed: str | None = None
    replayed: bool = False


Tally = Counter[tuple[str, int, str, str, int]]
"""Answers by service, number of its process, method, route and status."""


@dataclass
class Ledger:
    """Everything, from all clients.

    Attributes:
        lost: questions that nobody answered in time.
        wrong: answers that cannot be right.
        answers: what arrived.
        broken: requests without an answer, by service and number of its process.
        signed: signed files by service and number of its process, without those given again.
        seconds: how long each kind of request took, with what was needed to get an answer.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    uploads: dict[str, Upload] = field(default_factory=dict)
    signings: dict[str, Signing] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    answers: Tally = field(default_factory=Counter)
    broken: Counter[tuple[str, int]] = field(default_factory=Counter)
    signed: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def note(self, service: str, life: int, method: str, route: str, status: int) -> None:
        """Count an answer."""
        with self.lock:
            self.answers[service, life, method, route, status] += 1

    def note_broken(self, service: str, life: int) -> None:
        """Count a request that got none."""
        with self.lock:
            self.broken[service, life] += 1

    def note_signed(self, service: str, life: int, again: bool) -> None:
        """Count a signed file, unless it is one of before."""
        with self.lock:
            self.signed[service, life] += not again

    def took(self, kind: str, seconds: float) -> None:
        """Remember a time."""
        with self.lock:
            self.seconds.setdefault(kind, []).append(seconds)

    def statuses(self) -> Counter[int]:
        """Answers by status."""
        with self.lock:
            found: Counter[int] = Counter()
            for (*_, status), count in self.answers.items():
                found[status] += count
            return found
