"""`assay watermark`: the mark by itself, without a manifest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.console import (
    AnyExtension,
    AsJson,
    Refused,
    each,
    frame_progress,
    print_json,
    print_line,
)
from assay.cli.inputs import expand, is_folder, media_files
from assay.errors import ConfigurationError, OutputRefused, UnsupportedMedia

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from assay.media import Media
    from assay.watermark import Detection

app = typer.Typer(help="Embed and detect the invisible watermark alone.", no_args_is_help=True)

STANDARD_STREAM = Path("-")

KeyFile = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="Key of at least 16 bytes; default: installed."),
]
PublicKey = Annotated[
    bool, typer.Option("--public-key", help="Use the documented key that everybody has.")
]
ShowFolder = Annotated[
    Path | None,
    typer.Option("--show", metavar="DIR", help="Write pictures of the mark into this folder."),
]


@app.command()
def embed(
    source: Annotated[Path, typer.Argument(metavar="FILE|DIR|-", help="What to mark.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Result: a file, a folder, or -.")],
    payload: Annotated[
        str | None, typer.Option(metavar="HEX", help="60 bits; default: drawn for each file.")
    ] = None,
    strength: Annotated[
        float, typer.Option(help="Factor on the invisible strength, above 0 and at most 4.")
    ] = 1.0,
    mask: Annotated[
        Path | None, typer.Option(help="Picture that is white where the mark may go.")
    ] = None,
    key_file: KeyFile = None,
    public_key: PublicKey = False,
    show: ShowFolder = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a result that exists.")] = False,
    as_json: AsJson = False,
    any_extension: AnyExtension = False,
) -> None:
    """Embed a payload into pictures and videos; the sources are not touched."""
    value = _parse_payload(payload)
    _check_strength(strength)
    jobs = _plan(source, out)
    key = _key(key_file, public_key)

    def run(job: tuple[Path, Path]) -> None:
        import secrets

        from assay.files import refuse_same_file

        original, target = job
        refuse_same_file(original, target)
        if target != STANDARD_STREAM and target.exists() and not overwrite:
            raise OutputRefused(f"{target}: exists", advice="pass --overwrite to replace it")
        media = _open(original, any_extension)
        if not any_extension:
            _refuse_wrong_suffix(target, media)
        _refuse_pictures_of_video(show, media)
        drawn = secrets.randbits(60) if value is None else value
        data = _mark(media, drawn, key, strength, mask, show, alone=len(jobs) == 1)
        _write(target, data)
        document = {"file": str(original), "out": str(target), "payload": f"{drawn:015x}"}
        if as_json:
            print_json(document)
        elif target != STANDARD_STREAM:
            print_line(f"{target}  {document['payload']}")

    raise typer.Exit(
        each(jobs, run, description="Marking", name=lambda job: str(job[0]), as_json=as_json)
    )


@app.command()
def detect(
    files: Annotated[list[str], typer.Argument(metavar="FILE|DIR|-...", help="What to read.")],
    key_file: KeyFile = None,
    public_key: PublicKey = False,
    fast: Annotated[
        bool, typer.Option(help="Only look for marks that were not scaled or rotated.")
    ] = False,
    show: ShowFolder = None,
    as_json: AsJson = False,
    any_extension: AnyExtension = False,
) -> None:
    """Read the payload out of pictures and videos, or say that there is none."""
    key = _key(key_file, public_key)

    def run(path: Path) -> None:
        from assay.provenance.watermarking import find

        media = _open(path, any_extension)
        _refuse_pictures_of_video(show, media)
        found = find(media, key=key, fast=fast)
        if show is not None:
            from assay.encoding import encode_png
            from assay.files import write_atomically
            from assay.watermark.localisation import presence_map

            presence = presence_map(media.pixels(), key=key)
            write_atomically(show / f"{path.stem}-presence.png", encode_png(_grey(presence)))
        _tell(path, found, as_json)

    paths: list[Path | Refused] = [STANDARD_STREAM] if files == ["-"] else expand(files)
    raise typer.Exit(each(paths, run, description="Reading", as_json=as_json))


def _key(path: Path | None, public: bool) -> bytes | None:
    """The key to use; None is the public one."""
    from assay.errors import UnreadableFile
    from assay.provenance.keys import watermark_key

    if public:
        if path is not None:
            raise ConfigurationError("--key and --public-key exclude each other")
        return None
    if path is None:
        return watermark_key()
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error


def _parse_payload(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        value = int(text, 16)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not hexadecimal", param_hint="--payload") from None
    if not 0 <= value < 1 << 60:
        raise typer.BadParameter(f"{text!r} does not fit 60 bits", param_hint="--payload")
    return value


def _check_strength(strength: float) -> None:
    from assay.watermark.embedding import MAXIMUM_STRENGTH

    if not 0 < strength <= MAXIMUM_STRENGTH:
        raise typer.BadParameter(
            f"{strength} is not above 0 and at most {MAXIMUM_STRENGTH:g}", param_hint="--strength"
        )


def _plan(source: Path, out: Path) -> list[tuple[Path, Path]]:
    if is_folder(source):
        if out == STANDARD_STREAM:
            raise typer.BadParameter("name a folder for a folder", param_hint="--out")
        return [(path, out / path.relative_to(source)) for path in media_files(source)]
    return [(source, out / source.name if is_folder(out) else out)]


def _refuse_wrong_suffix(target: Path, media: Media) -> None:
    """A marked file keeps its type, so its name may not claim another."""
    from assay.sniffing import name_contradicts

    if target != STANDARD_STREAM and name_contradicts(target.name, media.media_type):
        raise OutputRefused(
            f"{target}: named {target.suffix} but the result is {media.media_type}",
            advice="Assay keeps the format; choose a name that fits it",
        )


def _refuse_pictures_of_video(show: Path | None, media: Media) -> None:
    if show is not None and not media.is_image:
        raise UnsupportedMedia("--show applies to pictures, not to video")


def _open(path: Path, any_extension: bool) -> Media:
    from assay.media import Media

    if path == STANDARD_STREAM:
        return Media.from_bytes(sys.stdin.buffer.read(), name="standard input")
    return Media.open(path, any_extension=any_extension)


def _write(target: Path, data: bytes) -> None:
    from assay.files import write_atomically

    if target == STANDARD_STREAM:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        write_atomically(target, data)


def _mark(
    media: Media,
    payload: int,
    key: bytes | None,
    strength: float,
    mask: Path | None,
    show: Path | None,
    *,
    alone: bool,
) -> bytes:
    """The bytes of the marked file."""
    from assay.encoding import encode_png
    from assay.files import write_atomically
    from assay.provenance.watermarking import mark
    from assay.watermark.rendering import render_difference

    with frame_progress("Marking", alone=alone) as progress:
        marked = mark(
            media,
            payload,
            key=key,
            strength=strength,
            mask=_read_mask(mask),
            progress=progress,
        )
    if show is not None:
        stem = Path(media.name or "picture").stem
        difference = render_difference(media.pixels(), marked.pixels())
        write_atomically(show / f"{stem}-difference-x20.png", encode_png(difference))
    return marked.data


def _read_mask(path: Path | None) -> NDArray[np.float32] | None:
    if path is None:
        return None
    from assay.media import Media

    return (Media.open(path).pixels()[..., 0] / 255).astype("float32")


def _tell(path: Path, found: Detection | None, as_json: bool) -> None:
    if as_json:
        document: dict[str, object] = {"file": str(path), "found": found is not None}
        if found is not None:
            document |= {
                "payload": f"{found.payload:0{found.payload_bits // 4}x}",
                "payload_bits": found.payload_bits,
                "log10_false_alarm": found.log10_false_alarm,
                "geometry": vars(found.geometry),
                "version": found.version,
            }
        print_json(document)
    elif found is None:
        print_line(f"{path}  no watermark")
    else:
        print_line(
            f"{path}  {found.payload:0{found.payload_bits // 4}x}  "
            f"({found.payload_bits} bits, false alarm 1e{found.log10_false_alarm:.0f})"
        )


def _grey(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import numpy as np

    return np.repeat(levels[..., None], 3, axis=2)
