"""What `assay datasets` shares: the registry as a `Known`, and pages of pairs."""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.cli.console import printable, track
from assay.errors import AssayError

if TYPE_CHECKING:
    from assay.datasets.curation import Likeness, Pair, Terms
    from assay.datasets.curation.likeness import Box
    from assay.media import Media
    from assay.provenance.matching import Match, Receipt, Registry
    from assay.reports.rendering.pairs_page import Side

SHOWN_SIDE = 360  # pixels, the longest side of a picture on a page
SHOWN_QUALITY = 80
MOST_PAGES = 20
HALF = 0.5
FRAME_COLOUR = (222, 74, 20)


class RegisteredWorks:
    """The works of a registry, as curation sees them."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def like(self, media: Media) -> list[Likeness]:
        return [likeness(match) for match in self._registry.match(media)]

    def terms(self, work_id: str) -> Terms:
        from assay.datasets.curation import Terms

        work = self._registry.work(work_id)
        return Terms(work.title, work.rights_holder, work.licence, work.training_opt_out)


class KnownFiles:
    """Files of a set, in a registry of their own.

    Args:
        registry: empty at first.
        parts: find details and collages of them too, which takes longer the more there are.
    """

    def __init__(self, registry: Registry, *, parts: bool) -> None:
        self._registry = registry
        self._parts = parts
        # Ids are numbers: names may be longer than ids, and need not be text.
        self._names: dict[str, str] = {}

    def like(self, media: Media) -> list[Likeness]:
        found = [likeness(match) for match in self._registry.match(media)]
        return [replace(one, of=self._names[one.of]) for one in found]

    def add(self, media: Media, name: str) -> None:
        number = str(len(self._names))
        self._names[number] = name
        work = {"id": number, "local_search": self._parts}
        # A set is only compared with itself, so no file of it harms another's.
        self._registry.add(media, work, refuse_poison=False)


def likeness(match: Match) -> Likeness:
    """A match as curation sees it."""
    from assay.datasets.curation import Likeness

    receipt = match.receipt
    geometry = receipt.geometry
    seconds = [found.query[1] - found.query[0] + 1.0 for found in receipt.time_ranges]
    return Likeness(
        of=match.work_id,
        decision=match.decision,
        whole=shows_the_whole(receipt),
        reason=receipt.reason,
        box=geometry.matched_box if geometry else None,
        query_box=geometry.query_box if geometry else None,
        seconds=sum(seconds) if seconds else None,
        query_at=receipt.query_seconds,
        known_at=receipt.work_seconds,
    )


def shows_the_whole(receipt: Receipt) -> bool:
    """Whether a copy can stand for the work: half of either shows in the other, and agrees.

    Two photographs of one building agree in more than chance places, but over less than half of
    what both show, and only one of two hashes; copies in 17 edits, over half or in both hashes.
    """
    if any(part in (receipt.probe or "") for part in ("half", "quarter")):
        return False
    hashes = receipt.distance_band in ("same", "near") and bool(receipt.second_hash_agrees)
    geometry = receipt.geometry
    if geometry is None:
        return hashes
    shown = min(area(geometry.matched_box), area(geometry.query_box))
    return shown >= HALF and (hashes or geometry.coverage >= HALF)


@contextmanager
def temporary_registry() -> Iterator[Registry]:
    """An empty registry that is gone afterwards."""
    from assay.provenance.matching import Registry

    with (
        tempfile.TemporaryDirectory(prefix="assay-curation-") as folder,
        Registry(Path(folder) / "registry.sqlite") as registry,
    ):
        yield registry


def report_of(schema: str, counts: dict[str, Any]) -> dict[str, Any]:
    """The head that every `report.json` of curation has."""
    from assay.version import __version__

    created = datetime.now(UTC).replace(microsecond=0).isoformat()
    return {
        "schema": f"assay.{schema}/1",
        "software": f"assay {__version__}",
        "created": created,
        "counts": counts,
    }


def write_pages(
    pairs: Sequence[Pair],
    out: Path,
    *,
    title: str,
    headline: str,
    facts: Sequence[tuple[str, str]],
    left: Callable[[Pair], Side],
    right: Callable[[Pair], Side],
    sides: tuple[str, str],
) -> list[Path]:
    """Pages of the strongest pairs side by side; pages of an earlier run are replaced.

    Raises:
        OutputRefused: the folder cannot be written.
    """
    from assay.files import write_atomically
    from assay.reports.rendering.pairs_page import (
        PAIRS_A_PAGE,
        PageOfPairs,
        SideBySide,
        page_name,
        render_pairs,
    )

    ordered = sorted(pairs, key=lambda pair: pair.rank)
    pages = min(MOST_PAGES, -(-len(ordered) // PAIRS_A_PAGE))
    written = []
    for number in track(range(1, pages + 1), "Drawing pairs"):
        first = (number - 1) * PAIRS_A_PAGE
        shown = [
            SideBySide(left(pair), right(pair), _in_words(pair), pair.reason)
            for pair in ordered[first : first + PAIRS_A_PAGE]
        ]
        html = render_pairs(
            shown,
            PageOfPairs(number, pages, first + 1, len(ordered)),
            title=title,
            headline=headline,
            facts=facts,
            sides=sides,
        )
        written.append(write_atomically(out / page_name(number), html))
    for stale in out.glob("pairs-*.html"):
        if stale not in written:
            stale.unlink()
    return written


def side_found(folder: Path) -> Callable[[Pair], Side]:
    """The file of a pair in which something was found."""
    return lambda pair: file_side(folder, pair.file, pair.file_box, pair.file_at)


def side_copied(folder: Path) -> Callable[[Pair], Side]:
    """The file of a pair that was there before."""
    return lambda pair: file_side(folder, pair.of, pair.of_box, pair.of_at)


def file_side(folder: Path, name: str, box: Box | None, at: float | None) -> Side:
    """A file as one side of a pair.

    Args:
        box: framed, unless it is about all of the picture.
        at: seconds into a video, of the frame to show.
    """
    from assay.media import Media
    from assay.reports.rendering.pairs_page import Side

    try:
        media = Media.open(folder / name, any_extension=True)
        picture = reduced(media, box, at)
    except AssayError as error:
        return Side(printable(name), None, (("not shown", printable(error.message)),))
    facts = [("size", f"{media.width} x {media.height}, {media.size:,} bytes")]
    if at is not None:
        facts.append(("frame", f"at {at:g} seconds of {media.frames:,} frames"))
    return Side(printable(name), picture, tuple(facts))


def reduced(media: Media, box: Box | None, at: float | None) -> str:
    """A picture, or a frame of a video, as a small JPEG in a data URI.

    Raises:
        InputRefused: it does not decode.
    """
    from PIL import Image, ImageDraw

    from assay.provenance.matching.pictures import first_picture, pictures_of

    frames = pictures_of(media) if at else ()
    frame = next((frame for frame in frames if frame.seconds == at), None) or first_picture(media)
    image = Image.fromarray(frame.pixels)
    image.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    if box is not None and area(box) < 0.95:
        corners = [side * (image.width, image.height)[i % 2] for i, side in enumerate(box)]
        ImageDraw.Draw(image).rectangle(corners, outline=FRAME_COLOUR, width=3)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=SHOWN_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _in_words(pair: Pair) -> str:
    words = {"match": "a copy", "verify": "probably a copy", "review": "perhaps a copy"}
    part = "" if pair.whole else ", of a part or of the scene"
    return f"{words[pair.decision]}{part}"


def area(box: Box) -> float:
    """Of a box in fractions, 0..1."""
    left, top, right, bottom = box
    return max(0.0, right - left) * max(0.0, bottom - top)
