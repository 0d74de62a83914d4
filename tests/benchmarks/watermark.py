"""How well the watermark survives, beside four published ones, on the same pictures.

    python tests/benchmarks/watermark.py --quick
    python tests/benchmarks/watermark.py --images DIR --json results.json
    python tests/benchmarks/watermark.py --methods assay,rivaGan,blind_watermark --images DIR

Prints the table of the documentation and writes every single measurement as JSON. Times are
process time of one thread. Peers are optional:

    pip install invisible-watermark blind-watermark onnxruntime
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from threadpoolctl import threadpool_limits

from assay import watermark
from assay.datasets.laundering_beyond import BEYOND, autoencoder_edits
from assay.datasets.laundering_suite import SUITE, Edit

Pixels = NDArray[np.uint8]

#: Edits of `--quick`: one of each family and the hardest ones.
QUICK = ("none", "jpeg-50", "resize-0.5", "crop-25", "rotate-15", "flip", "noise-10", "social-640")

#: A peer has no error correction of its own; with a BCH code that corrects 5 of 96 bits (the
#: strongest that another published watermark uses) this bit accuracy would be enough.
BIT_ACCURACY_WITH_CODE = 0.948

#: Pictures a class contributes at most, per folder.
PER_CLASS = 12
SMALL, LARGE = 300_000, 800_000


@dataclass
class Row:
    """One picture under one edit by one method."""

    method: str
    picture: str
    kind: str
    megapixels: float
    edit: str
    exact: bool
    bit_accuracy: float
    psnr: float
    psnr_flat: float | None
    ssim: float
    embed_ms: float
    detect_ms: float
    detail: float


class Method(Protocol):
    """A watermark: how many bits, how to write and read them."""

    bits: int

    def embed(self, pixels: Pixels, bits: NDArray[np.uint8]) -> Pixels: ...

    def read(self, pixels: Pixels) -> tuple[NDArray[np.uint8] | None, float]: ...


class Assay:
    """This project's mark under its public key."""

    bits = 60

    def embed(self, pixels: Pixels, bits: NDArray[np.uint8]) -> Pixels:
        value = int("".join(map(str, bits)), 2)
        return watermark.embed(pixels, value, existing="replace").astype(np.uint8)

    def read(self, pixels: Pixels) -> tuple[NDArray[np.uint8] | None, float]:
        found = watermark.detect(pixels) if min(pixels.shape[:2]) >= 96 else None
        if found is None:
            return None, 0.0
        text = format(found.payload, f"0{found.payload_bits}b")
        return np.array([int(c) for c in text], np.uint8), found.log10_false_alarm


class InvisibleWatermark:
    """A method of the package invisible-watermark."""

    def __init__(self, name: str) -> None:
        from imwatermark import WatermarkDecoder, WatermarkEncoder

        self._name, self._encoder, self._decoder = name, WatermarkEncoder, WatermarkDecoder
        self.bits = 32 if name == "rivaGan" else 64
        if name == "rivaGan":
            WatermarkEncoder.loadModel()

    def embed(self, pixels: Pixels, bits: NDArray[np.uint8]) -> Pixels:
        encoder = self._encoder()
        encoder.set_watermark("bits", [int(bit) for bit in bits])
        return np.ascontiguousarray(encoder.encode(pixels[..., ::-1].copy(), self._name)[..., ::-1])

    def read(self, pixels: Pixels) -> tuple[NDArray[np.uint8] | None, float]:
        if pixels.shape[0] * pixels.shape[1] < 256 * 256:
            return None, 0.0  # the package refuses smaller pictures
        read = self._decoder("bits", self.bits).decode(pixels[..., ::-1].copy(), self._name)
        return np.array(read).astype(np.uint8), 0.0


class BlindWatermark:
    """The package blind-watermark."""

    bits = 64

    def __init__(self) -> None:
        import blind_watermark

        blind_watermark.bw_notes.close()
        self._make = lambda: blind_watermark.WaterMark(password_wm=1, password_img=1)

    def embed(self, pixels: Pixels, bits: NDArray[np.uint8]) -> Pixels:
        mark = self._make()
        mark.read_img(img=pixels[..., ::-1].copy())
        mark.read_wm([bool(bit) for bit in bits], mode="bit")
        levels = np.clip(np.rint(mark.embed()), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(levels[..., ::-1])

    def read(self, pixels: Pixels) -> tuple[NDArray[np.uint8] | None, float]:
        image = pixels[..., ::-1].copy()
        read = self._make().extract(embed_img=image, wm_shape=self.bits, mode="bit")
        return (np.array(read) > 0.5).astype(np.uint8), 0.0


METHODS: dict[str, Callable[[], Method]] = {
    "assay": Assay,
    "dwtDct": lambda: InvisibleWatermark("dwtDct"),
    "dwtDctSvd": lambda: InvisibleWatermark("dwtDctSvd"),
    "rivaGan": lambda: InvisibleWatermark("rivaGan"),
    "blind_watermark": BlindWatermark,
}


def make_method(name: str) -> Method:
    """The method of this name, or exit with what to install."""
    try:
        return METHODS[name]()
    except ImportError as error:
        sys.exit(f"{name}: {error}\npip install invisible-watermark blind-watermark onnxruntime")


def bundled_pictures() -> Iterator[tuple[str, str, Pixels]]:
    """(name, kind, pixels) of pictures that need no download."""
    import skimage
    import sklearn

    science = ["astronaut", "chelsea", "coffee", "camera", "brick", "grass", "gravel", "moon"]
    folders = [(Path(skimage.__file__).parent / "data", f"{name}.png") for name in science]
    folders += [(folders[0][0], "rocket.jpg"), (folders[0][0], "retina.jpg")]
    samples = Path(sklearn.__file__).parent / "datasets" / "images"
    folders += [(samples, "china.jpg"), (samples, "flower.jpg")]
    for folder, name in folders:
        if (folder / name).exists():
            yield name, "photograph", np.array(Image.open(folder / name).convert("RGB"))
    for number in range(4):
        yield f"document-{number}", "document", document(number)
        yield f"flat-art-{number}", "flat art", flat_art(number)


def folder_pictures(folder: Path) -> Iterator[tuple[str, str, Pixels]]:
    """A deterministic choice of a folder's pictures, PER_CLASS of each size class."""
    kept = {"small": 0, "middle": 0, "large": 0}
    files = [p for p in folder.rglob("*") if p.suffix.lower() in {".png", ".jpg", ".jpeg", ".webp"}]
    for path in sorted(files, key=lambda p: zlib.crc32(p.name.encode())):
        with Image.open(path) as picture:
            area = picture.width * picture.height
            size = "small" if area < SMALL else "middle" if area < LARGE else "large"
            if kept[size] >= PER_CLASS or min(picture.size) < 192:
                continue
            kept[size] += 1
            yield path.name, "photograph", np.array(picture.convert("RGB"))


def document(seed: int) -> Pixels:
    """A page of text, white, 1240 x 1754 or a quarter of it."""
    generator = np.random.default_rng(seed)
    scale = 1 if seed % 2 == 0 else 2
    width, height, size = 1240 // scale, 1754 // scale, 24 if scale == 1 else 15
    words = ["provenance", "travels", "with", "every", "picture", "that", "leaves", "the", "studio"]
    page = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(page)
    title, font = ImageFont.load_default(size=2 * size), ImageFont.load_default(size=size)
    draw.text((width * 0.08, height * 0.05), f"Report {2000 + seed}", font=title, fill=(20, 20, 20))
    y = height * 0.05 + size * 4
    while y < height * 0.93:
        line = " ".join(generator.choice(words, 30))
        while draw.textlength(line, font=font) > width * 0.84:
            line = line[:-1]
        draw.text((width * 0.08, y), line, font=font, fill=(25, 25, 30))
        y += size * (1.45 if generator.random() > 0.06 else 3)
    return np.array(page)


def flat_art(seed: int, side: int = 1024) -> Pixels:
    """Overlapping shapes of plain colours with soft edges; odd seeds have a gradient."""
    generator = np.random.default_rng(seed + 200)
    ground = tuple(int(c) for c in generator.integers(120, 250, 3))
    canvas = Image.new("RGB", (side, side), ground)
    draw = ImageDraw.Draw(canvas)
    for _ in range(28):
        colour = tuple(int(c) for c in generator.integers(20, 250, 3))
        x, y, reach = *generator.uniform(0, side, 2), generator.uniform(40, 260)
        box = (x - reach, y - reach * 0.6, x + reach, y + reach * 0.6)
        (draw.ellipse if generator.random() < 0.5 else draw.rectangle)(box, fill=colour)
    half = canvas.resize((side // 2, side // 2), Image.Resampling.LANCZOS)
    art = np.array(half.resize((side, side), Image.Resampling.BICUBIC)).astype(np.float64)
    return np.clip(art + (seed % 2) * np.linspace(-30, 30, side)[:, None, None], 0, 255).astype(
        np.uint8
    )


def psnr(error: NDArray[np.float64]) -> float:
    """Peak signal-to-noise ratio of an error in grey levels."""
    return float(10 * np.log10(255**2 / max(float((error**2).mean()), 1e-9)))


def flat_psnr(pixels: Pixels, marked: Pixels) -> float | None:
    """PSNR over 32 x 32 blocks whose luma deviates by less than one level; None without any."""
    luma = pixels.astype(np.float32).mean(axis=2)
    error = (marked.astype(np.float32) - pixels).mean(axis=2)
    high, wide = (side // 32 * 32 for side in luma.shape)
    cut = lambda a: a[:high, :wide].reshape(high // 32, 32, wide // 32, 32)  # noqa: E731
    flat = cut(luma).std(axis=(1, 3)) < 1
    if flat.sum() < 4:
        return None
    power = (cut(error) ** 2).mean(axis=(1, 3))[flat].mean()
    return psnr(np.sqrt(np.array([power], np.float64)))


def measure(
    name: str, method: Method, picture: tuple[str, str, Pixels], edits: Mapping[str, Edit]
) -> list[Row]:
    """All edits of one picture marked by one method."""
    from skimage.metrics import structural_similarity

    title, kind, pixels = picture
    bits = np.random.default_rng(zlib.crc32(title.encode())).integers(0, 2, method.bits)
    bits = bits.astype(np.uint8)
    started = time.process_time()
    marked = method.embed(pixels, bits)
    embed_ms = (time.process_time() - started) * 1e3
    quality = psnr(marked.astype(np.float64) - pixels)
    similarity = float(structural_similarity(pixels, marked, channel_axis=2))
    flat = flat_psnr(pixels, marked)
    rows = []
    for edit in edits.values():
        laundered = edit(marked, zlib.crc32(title.encode()))
        started = time.process_time()
        read, detail = method.read(laundered)
        spent = (time.process_time() - started) * 1e3
        accuracy = 0.5 if read is None else float((read == bits[-len(read) :]).mean())
        megapixels = pixels.shape[0] * pixels.shape[1] / 1e6
        rows.append(
            Row(name, title, kind, megapixels, edit.name, accuracy == 1.0, accuracy, quality,
                flat, similarity, embed_ms, spent, detail)
        )  # fmt: skip
    return rows


def false_positives(pictures: list[Pixels], wanted: int, keys: int = 4) -> tuple[int, int]:
    """(detections, trials) over random crops of unmarked pictures, several keys each."""
    generator = np.random.default_rng(20)
    found = trials = 0
    while trials < wanted:
        pixels = pictures[trials // keys % len(pictures)]
        side = int(generator.integers(128, 321))
        top, left = (int(generator.integers(0, max(1, s - side + 1))) for s in pixels.shape[:2])
        part = pixels[top : top + side, left : left + side]
        secrets = [generator.bytes(16) for _ in range(keys)]
        found += watermark.detect(part, key=secrets) is not None
        trials += keys
        if trials % (100 * keys) == 0:
            print(f"  {found} detections in {trials} trials", file=sys.stderr, flush=True)
    return found, trials


def load_autoencoder(folder: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Round trip through an exported autoencoder: encoder.pt and decoder.pt (TorchScript)."""
    import torch

    encoder, decoder = (
        torch.jit.load(str(folder / f"{n}.pt")).eval() for n in ("encoder", "decoder")
    )

    def reconstruct(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            tensor = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None]
            image = decoder(encoder(tensor)).clamp(0, 1)[0].permute(1, 2, 0)
        return np.asarray(image.float().numpy())

    return reconstruct


def summarise(rows: list[Row]) -> None:
    """Print the table of one method."""

    def rate(chosen: list[Row]) -> str:
        share = 100 * np.mean([row.exact for row in chosen]) if chosen else float("nan")
        return f"{share:6.2f} %  (n = {len(chosen)})"

    plain = {row.picture: row for row in rows}.values()
    flats = [row.psnr_flat for row in plain if row.psnr_flat is not None]
    drawn = ("document", "flat art")
    area = sum(row.megapixels for row in plain)
    photos = [row for row in rows if row.kind not in drawn]
    print(f"\n{rows[0].method}: {len(plain)} pictures, {len({row.edit for row in rows})} edits")
    print(
        f"  PSNR mean {np.mean([r.psnr for r in plain]):.2f} min {min(r.psnr for r in plain):.2f}"
        f"  SSIM {np.mean([r.ssim for r in plain]):.4f}"
        f"  flat areas {np.mean(flats) if flats else float('nan'):.2f} dB (n = {len(flats)})"
    )
    print("  exact, all pictures             ", rate(rows))
    print("  exact, photographs >= 0.3 MP    ", rate([r for r in photos if r.megapixels >= 0.3]))
    print("  exact, photographs < 0.3 MP     ", rate([r for r in photos if r.megapixels < 0.3]))
    print("  exact, documents and flat art   ", rate([r for r in rows if r.kind in drawn]))
    print(
        "  crop-25, photographs < 0.3 MP   ",
        rate([r for r in photos if r.megapixels < 0.3 and r.edit == "crop-25"]),
    )
    print(
        "  jpeg-50, documents and flat art ",
        rate([r for r in rows if r.kind in drawn and r.edit == "jpeg-50"]),
    )
    print("  vae-jpeg-70                     ", rate([r for r in rows if r.edit == "vae-jpeg-70"]))
    coded = np.mean([row.bit_accuracy >= BIT_ACCURACY_WITH_CODE for row in rows])
    print(f"  with an ideal code               {100 * coded:6.2f} %")
    print(
        f"  embed {sum(r.embed_ms for r in plain) / area:.0f} ms/MP,"
        f" detect {np.median([r.detect_ms / r.megapixels for r in rows]):.0f} ms/MP (median)"
    )
    for edit in dict.fromkeys(row.edit for row in rows):
        print(f"    {edit:20s}", rate([row for row in rows if row.edit == edit]))


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few pictures, few edits")
    parser.add_argument("--images", type=Path, action="append", default=[], help="more pictures")
    parser.add_argument("--methods", default="assay", help=", ".join(METHODS))
    parser.add_argument("--beyond", action="store_true", help="the edits beyond the suite instead")
    parser.add_argument("--edits", help="only these, by name")
    parser.add_argument("--autoencoder", type=Path, help="folder with encoder.pt and decoder.pt")
    parser.add_argument("--false-positives", type=int, default=0, metavar="TRIALS")
    parser.add_argument("--limit", type=int, help="pictures at most")
    parser.add_argument("--json", type=Path, help="write all measurements here")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    threadpool_limits(1)
    pictures = list(bundled_pictures())
    for folder in options.images:
        pictures += folder_pictures(folder)
    pictures = pictures[:6] if options.quick else pictures[: options.limit]
    if options.false_positives:
        everything = [pixels for _, _, pixels in pictures]
        found, trials = false_positives(everything, options.false_positives)
        print(f"false positives: {found} of {trials}")
        return
    edits: dict[str, Edit] = dict(BEYOND if options.beyond else SUITE)
    if options.quick:
        edits = {name: edits[name] for name in QUICK if name in edits}
    if options.autoencoder:
        edits |= autoencoder_edits(load_autoencoder(options.autoencoder))
    if options.edits:
        edits = {name: edits[name] for name in options.edits.split(",")}
    results: list[dict[str, Any]] = []
    for name in options.methods.split(","):
        method = make_method(name)
        warm = method.embed(flat_art(0, 320), np.ones(method.bits, np.uint8))  # compiles once
        method.read(warm)
        rows: list[Row] = []
        for picture in pictures:
            measured = measure(name, method, picture, edits)
            rows += measured
            results += [asdict(row) for row in measured]
            print(".", end="", file=sys.stderr, flush=True)
            if options.json:
                options.json.write_text(json.dumps(results))
        summarise(rows)


if __name__ == "__main__":
    main()
