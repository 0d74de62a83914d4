"""The child process: it opens, decodes and examines what nobody trusts, and answers with text."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING

from assay.api.examining.channel import receive, receive_file, send, send_bytes
from assay.errors import AssayError, InputRefused
from assay.media import Media
from assay.settings import settings

if TYPE_CHECKING:
    from assay.evidence import Evidence
    from assay.provenance.documents import Document

CPU_GRACE = 10  # seconds of processor time beyond the wall clock; only an orphan gets there


def main() -> None:
    """Entry of the process: the last arguments are `warm`, the channel, and the lifeline."""
    threading.Thread(target=_end_with_parent, args=(int(sys.argv[-1]),), daemon=True).start()
    with socket.socket(fileno=int(sys.argv[-2])) as channel:
        serve(channel, warm=sys.argv[-3] == "warm")


def serve(channel: socket.socket, *, warm: bool) -> None:
    """Answer requests until the parent closes the channel."""
    if warm:
        _warm_up()
    _limit_memory()
    _be_quiet()
    send(channel, {"ready": os.getpid()})
    while True:
        try:
            file = receive_file(channel)
            request = receive(channel)
        except EOFError:
            return
        _limit_processor(request["seconds"])
        try:
            with file:
                media = _open(file, request["name"])
            if request["do"] == "verify":
                _verify(channel, media)
            elif not isinstance(media, Media):
                raise InputRefused(f"nothing is drawn of {media.media_type}")
            else:
                picture = PICTURES[request["do"]](media)
                send(channel, {"picture": request["do"]})
                send_bytes(channel, picture)
        except InputRefused as refusal:
            send(channel, {"refused": type(refusal).__name__, "problem": refusal.problem()})
        except MemoryError:
            send(channel, {"failed": "it needs more memory than an examination may take"})
        except AssayError as error:
            send(channel, {"failed": error.message})
        except Exception as error:
            # Whatever a decoder raises; the reason becomes part of the answer.
            send(channel, {"failed": f"{type(error).__name__}: {error}"})
        send(channel, {"resident": _resident()})


def _open(file: IO[bytes], name: str | None) -> Media | Document:
    """A picture, a video, or a document with its manifest inside."""
    from assay.provenance.documents import open_bytes

    return open_bytes(file.read(settings().limits.max_bytes + 1), name=name)


def _verify(channel: socket.socket, media: Media | Document) -> None:
    from assay.detector.verify import verify
    from assay.detector.verify_document import verify_document

    if isinstance(media, Media):
        media.pixels()
    send(channel, {"opened": media.summary().model_dump()})

    def tell(examiner: str, evidence: Sequence[Evidence]) -> None:
        found = [item.model_dump(mode="json") for item in evidence]
        send(channel, {"examined": examiner, "evidence": found})

    if isinstance(media, Media):
        verification = verify(media, progress=tell)
    else:
        verification = verify_document(media)
        tell("c2pa", [item for item in verification.evidence if item.examiner == "c2pa"])
    category = verification.verdict.category
    send(channel, {"verification": verification.model_dump_json(), "category": category})


def _thumbnail(media: Media) -> bytes:
    from assay.reports.verification import thumbnail

    return thumbnail(media)


def _explanation(media: Media) -> bytes:
    from assay.api.pages.explaining import pack

    return pack(media)


PICTURES: dict[str, Callable[[Media], bytes]] = {
    "thumbnail": _thumbnail,
    "explanation": _explanation,
}
"""What the service shows of media, made from the decoded pixels: a PNG, or JSON with several."""


def _warm_up() -> None:
    """Load models and compile what is compiled at first use, before anyone waits for it."""
    import numpy as np

    from assay.detector.verify import verify
    from assay.encoding import encode_png

    ramp = np.arange(64 * 64 * 3, dtype=np.uint32).reshape(64, 64, 3)
    verify(Media.from_bytes(encode_png((ramp % 251).astype(np.uint8))))


def _be_quiet() -> None:
    """Why a child does not start is said on standard error; what decoders mutter is not."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stderr.fileno())


def _limit_memory() -> None:
    """Address space: what is mapped now and what one examination may take.

    Only the soft limit: children of this process choose their own.
    """
    import resource

    _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    mapped = _statm(0)
    if mapped:
        resource.setrlimit(resource.RLIMIT_AS, (mapped + settings().examine_memory, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_processor(seconds: float) -> None:
    """Processor time from now on; the parent's clock is the limit that counts."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = used.ru_utime + used.ru_stime + seconds * (os.cpu_count() or 1) + CPU_GRACE
    _soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(allowed), hard))


def _resident() -> int:
    """Bytes of memory in use; 0 where the system does not say."""
    return _statm(1)


def _statm(column: int) -> int:
    try:
        with open("/proc/self/statm") as table:
            return int(table.read().split()[column]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _end_with_parent(lifeline: int) -> None:
    """Wait until the parent is gone, however it went, and take the whole group along."""
    os.read(lifeline, 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)
