"""What the demo does, in order. Everything goes through the public interface."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from assay.cli.demo.outcome import DECIDED_BY, Outcome, Step
from assay.errors import OutputRefused
from assay.files import write_atomically
from assay.settings import settings

if TYPE_CHECKING:
    from assay.reports import Audit


_MADE_BY_DEMO = ".assay-demo"


def tell(out: Path, *, quiet: bool = False) -> Outcome:
    """Run the demo in the folder `out`, with keys and a registry of its own."""
    start = time.monotonic()

    def say(text: str) -> None:
        if not quiet:
            typer.echo(text)

    _empty(out)
    os.environ["ASSAY_HOME"] = str((out / "home").resolve())
    settings.cache_clear()
    from assay.cli.demo.pictures import copy_photographs, generated
    from assay.encoding import encode_png
    from assay.provenance import keys

    keys.init()
    say("Keys       a development CA, a signing certificate and a watermark key")
    photographs = copy_photographs(out / "originals")
    pixels, generator = generated(seed=2026)
    picture = write_atomically(out / "originals" / "generated.png", encode_png(pixels))
    say(f"Pictures   {len(photographs)} photographs, 1 picture from a {generator}")
    outcome = Outcome(out, generator)
    files = [*_generated_files(picture, generator, out), *_photograph_files(photographs, out)]
    say(f"Laundered  {len(files)} files to examine\n")
    _verify(files, outcome)
    if not quiet:
        _print_table(outcome)
    outcome.audit = _audit(out)
    outcome.seconds = time.monotonic() - start
    _report(outcome, say)
    return outcome


def _empty(out: Path) -> None:
    """Make room for the demo; only what an earlier demo left is ever removed.

    Raises:
        OutputRefused: the folder holds something else.
    """
    if (
        out.exists()
        and not (out / _MADE_BY_DEMO).exists()
        and (not out.is_dir() or any(out.iterdir()))
    ):
        raise OutputRefused(
            f"{out}: exists and is not an earlier demo", advice="name a new or empty folder"
        )
    shutil.rmtree(out, ignore_errors=True)
    write_atomically(out / _MADE_BY_DEMO, "Everything here is remade by `assay demo`.\n")


File = tuple[Path, str, tuple[str, ...]]


def _generated_files(picture: Path, generator: str, out: Path) -> list[File]:
    """The signed picture and what becomes of it."""
    import assay
    from assay.cli.demo.launder import COPIES, tampered

    signed = assay.sign(
        picture, out=out / "signed" / "generated.png", profile="generated", generator=generator
    )
    assert signed.path is not None
    files: list[File] = [(signed.path, "generated, watermarked and signed", ("generated",))]
    for copy in COPIES:
        path = write_atomically(out / "laundered" / copy.name, copy.make(signed.media.pixels()))
        files.append((path, copy.what, ("generated",)))
    changed = write_atomically(out / "laundered" / "tampered.png", tampered(signed.media.data))
    files.append((changed, "one pixel changed, manifest kept", ("altered",)))
    return files


def _photograph_files(photographs: list[Path], out: Path) -> list[File]:
    """Photographs: untouched, signed by a camera, and under a stolen manifest."""
    import assay
    from assay.cli.demo.launder import transplanted

    cat, coffee, rocket = photographs
    captured = assay.sign(
        coffee, out=out / "signed" / "coffee.png", profile="captured", generator="demo camera"
    )
    assert captured.path is not None
    donor = (out / "signed" / "generated.png").read_bytes()
    forged = write_atomically(
        out / "laundered" / "forged.png", transplanted(donor, cat.read_bytes())
    )
    return [
        (rocket, "a photograph as it came", ("no-evidence", "inconclusive")),
        (captured.path, "a photograph signed as captured", ("captured",)),
        (forged, "a photograph with a stolen manifest", ("altered",)),
    ]


def _verify(files: list[File], outcome: Outcome) -> None:
    import assay
    from assay.cli.console import track

    for path, what, expected in track(files, "Verifying"):
        outcome.steps.append(Step(path, what, expected, assay.verify(path)))


def _print_table(outcome: Outcome) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("file", "what happened to it", "verdict", "decided by"):
        table.add_column(heading, no_wrap=True)
    for step in outcome.steps:
        verdict = Text(step.category, style="bold")
        if not step.as_expected:
            verdict.append(f"  (expected {' or '.join(step.expected)})")
        decided = DECIDED_BY[step.decisive.kind] if step.decisive else "nothing found"
        table.add_row(step.path.name, step.what, verdict, decided)
    Console().print(table)


def _audit(out: Path) -> Audit:
    import assay
    from assay.cli.demo.portraits import write_audit_input

    manifest, labels, reference = write_audit_input(out / "audit-input")
    return assay.audit(
        manifest,
        labels=labels,
        reference=reference,
        out=out / "audit",
        title="Fairness audit of a pretended model",
        system={"name": "drawing program, skewed on purpose"},
        auditor="assay demo",
    )


def _report(outcome: Outcome, say: Any) -> None:
    from assay.cli.demo.report import write_report

    index = write_report(outcome)
    assert outcome.audit is not None
    say("\nAudit      a pretended, skewed model (drawn portraits with known skin tones)")
    for claim in outcome.audit.claims:
        say(f"           {claim.verdict.code}: {claim.verdict.summary}")
    say(f"\nReport     {index}")
    say(f"Took       {outcome.seconds:.0f} s")
