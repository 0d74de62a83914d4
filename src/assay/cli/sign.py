"""`assay sign`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.console import AnyExtension, AsJson, each, frame_progress, print_json, print_line
from assay.cli.inputs import is_folder, media_files
from assay.errors import OutputRefused


def sign(
    source: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="What to sign.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Result; default: NAME.signed.EXT, or DIR-signed."),
    ] = None,
    profile: Annotated[
        str, typer.Option(help="What happened: generated, edited or captured.")
    ] = "generated",
    generator: Annotated[
        str | None, typer.Option(help="Name of the model or tool that made it.")
    ] = None,
    parent: Annotated[
        Path | None, typer.Option(help="The picture this one was made from (edited).")
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
    as_json: AsJson = False,
    any_extension: AnyExtension = False,
) -> None:
    """Watermark and sign; a result appears only after both marks were read back."""
    _check("--profile", profile, ("generated", "edited", "captured"))
    _check("--prompt-policy", prompt_policy, ("omit", "commit", "full"))
    _check("--training", training, (None, "allowed", "notAllowed"))
    jobs = _plan(source, out)

    def run(job: tuple[Path, Path]) -> None:
        from assay.files import refuse_same_file
        from assay.provenance.marking import sign as sign_media

        original, target = job
        refuse_same_file(original, target)
        if target.exists() and not overwrite:
            raise OutputRefused(f"{target}: exists", advice="pass --overwrite to replace it")
        with frame_progress("Signing", alone=len(jobs) == 1) as progress:
            signed = sign_media(
                original,
                profile=profile,
                out=target,
                generator=generator,
                parent=parent,
                prompt=prompt,
                prompt_policy=prompt_policy,
                training=training,
                watermark=watermark,
                any_extension=any_extension,
                progress=progress,
            )
        if as_json:
            print_json(signed.receipt)
        else:
            receipt = signed.receipt
            mark = f"watermark {receipt.payload}" if receipt.payload else "no watermark"
            print_line(f"{target}  {receipt.manifest_label}  {mark}")

    raise typer.Exit(
        each(jobs, run, description="Signing", name=lambda job: str(job[0]), as_json=as_json)
    )


def _check(option: str, value: str | None, allowed: tuple[str | None, ...]) -> None:
    if value not in allowed:
        names = ", ".join(name for name in allowed if name)
        raise typer.BadParameter(f"{value!r} is not one of {names}", param_hint=option)


def _plan(source: Path, out: Path | None) -> list[tuple[Path, Path]]:
    """Pairs of original and result."""
    if not is_folder(source):
        if out is not None and is_folder(out):
            out = out / source.name
        return [(source, out or source.with_name(f"{source.stem}.signed{source.suffix}"))]
    source = source.resolve()
    target = out or source.with_name(f"{source.name}-signed")
    return [(path, target / path.relative_to(source)) for path in media_files(source)]
