"""`assay sign`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.console import AnyExtension, AsJson, each, frame_progress, print_json, print_line
from assay.cli.inputs import is_folder, media_files
from assay.errors import OutputRefused

if TYPE_CHECKING:
    from assay.provenance.marking import Receipt


def sign(
    source: Annotated[
        Path, typer.Argument(metavar="FILE|DIR|-", help="What to sign; - reads requests.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Result; default: NAME.signed.EXT, or DIR-signed."),
    ] = None,
    profile: Annotated[
        str,
        typer.Option(
            help="What happened: generated, edited, captured, composite, converted or redacted."
        ),
    ] = "generated",
    generator: Annotated[
        str | None, typer.Option(help="Name of the model or tool that made it.")
    ] = None,
    parent: Annotated[
        list[Path] | None,
        typer.Option(help="What was edited or converted; repeat it for the parts of a composite."),
    ] = None,
    ingredient: Annotated[
        list[Path] | None,
        typer.Option(help="What a model was given, such as a reference or a mask; repeatable."),
    ] = None,
    source_type: Annotated[
        str | None,
        typer.Option(help="IPTC digital source type, where the profile's own does not fit."),
    ] = None,
    redact: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL", help="Assertion to remove (redacted); repeatable."),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="Prompt; left out unless --prompt-policy says more.")
    ] = None,
    prompt_policy: Annotated[
        str, typer.Option(help="What becomes of the prompt: omit, commit (keyed hash) or full.")
    ] = "omit",
    training: Annotated[
        str | None, typer.Option(help="Use for AI training: allowed or notAllowed.")
    ] = None,
    watermark: Annotated[
        bool, typer.Option(help="Embed the invisible watermark as well as the manifest.")
    ] = True,
    overwrite: Annotated[bool, typer.Option(help="Replace a result that exists.")] = False,
    watch: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT",
            help="Be a gate: move every file that a generator finishes in DIR to OUT, signed.",
        ),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="With --watch: end when there is nothing to do (cron).")
    ] = False,
    originals: Annotated[
        Path | None,
        typer.Option(help="With --watch: keep unsigned originals here; default: delete them."),
    ] = None,
    settle: Annotated[
        float | None,
        typer.Option(min=0.0, help="With --watch: seconds without a change before it is taken."),
    ] = None,
    as_json: AsJson = False,
    any_extension: AnyExtension = False,
) -> None:
    """Watermark and sign; a result appears only after both marks were read back."""
    if str(source) == "-":
        from assay.cli import sign_requests

        raise typer.Exit(sign_requests.run())
    _check("--prompt-policy", prompt_policy, ("omit", "commit", "full"))
    _check("--training", training, (None, "allowed", "notAllowed"))
    told = {
        "profile": profile,
        "generator": generator,
        "parent": parent,
        "inputs": ingredient,
        "source_type": source_type,
        "redact": redact,
        "prompt": prompt,
        "prompt_policy": prompt_policy,
        "training": training,
        "any_extension": any_extension,
    }
    _check_profile(profile, told)
    if watch is not None:
        from assay.cli import gating

        if out is not None or overwrite:
            raise typer.BadParameter("does not go with --out and --overwrite", param_hint="--watch")
        options = {**told, "watermark": watermark}
        raise typer.Exit(
            gating.run(
                source,
                watch,
                options,
                originals=originals,
                settle=settle,
                once=once,
                as_json=as_json,
            )
        )
    if once or originals is not None or settle is not None:
        raise typer.BadParameter("needs --watch", param_hint="--once, --originals, --settle")
    jobs = _plan(source, out)

    def run(job: Job) -> None:
        with frame_progress("Signing", alone=len(jobs) == 1) as progress:
            target, receipt, kind = _sign(
                job, told, overwrite=overwrite, watermark=watermark, progress=progress
            )
        if as_json:
            print_json(receipt)
        else:
            mark = f"watermark {receipt.payload}" if receipt.payload else f"no watermark{kind}"
            print_line(f"{target}  {receipt.manifest_label}  {mark}")

    raise typer.Exit(
        each(jobs, run, description="Signing", name=lambda job: str(job.source), as_json=as_json)
    )


@dataclass(frozen=True)
class Job:
    """One file to sign; without a target the result goes beside it."""

    source: Path
    target: Path | None


def _sign(
    job: Job, told: dict[str, Any], *, overwrite: bool, watermark: bool, progress: Any
) -> tuple[Path, Receipt, str]:
    """Sign one file; gives where the result is, the receipt, and why there is no watermark."""
    from assay.files import refuse_same_file
    from assay.provenance.document_signing import default_destination, sign_document
    from assay.provenance.documents import Document, looks_like_document
    from assay.provenance.marking import sign as sign_media

    document = None
    if looks_like_document(job.source):
        document = Document.open(job.source, any_extension=told["any_extension"])
    target = job.target or (
        default_destination(job.source, document)
        if document
        else job.source.with_name(f"{job.source.stem}.signed{job.source.suffix}")
    )
    refuse_same_file(job.source, target)
    if target.exists() and not overwrite:
        raise OutputRefused(f"{target}: exists", advice="pass --overwrite to replace it")
    if document is not None:
        signed = sign_document(document, out=target, **told)
        return target, signed.receipt, f" or fingerprint ({document.media_type})"
    marked = sign_media(job.source, out=target, watermark=watermark, progress=progress, **told)
    return target, marked.receipt, ""


def _check(option: str, value: str | None, allowed: tuple[str | None, ...]) -> None:
    if value not in allowed:
        names = ", ".join(name for name in allowed if name)
        raise typer.BadParameter(f"{value!r} is not one of {names}", param_hint=option)


def _check_profile(profile: str, told: dict[str, Any]) -> None:
    from assay.errors import ConfigurationError
    from assay.provenance.stories import check

    try:
        check(profile, told)
    except ConfigurationError as error:
        advice = f"; {error.advice}" if error.advice else ""
        raise typer.BadParameter(f"{error.message}{advice}", param_hint="--profile") from error


def _plan(source: Path, out: Path | None) -> list[Job]:
    """What to sign and where each result goes."""
    if not is_folder(source):
        if out is not None and is_folder(out):
            out = out / source.name
        return [Job(source, out)]
    source = source.resolve()
    target = out or source.with_name(f"{source.name}-signed")
    return [Job(path, target / path.relative_to(source)) for path in media_files(source)]
