"""Fail when a wheel lacks a room: a checkout without symbolic links builds a hollow one."""

from __future__ import annotations

import sys
import zipfile

EXPECTED = (
    "assay/__init__.py",
    "assay/py.typed",
    "assay/cli/__init__.py",
    "assay/api/app.py",
    "assay/api/examples.json",
    "assay/api/templates/home.html",
    "assay/api/static/page.css",
    "assay/api/static/vendor/htmx-4.0.1.min.js",
    "assay/api/records/migrations/versions/0001_first_tables.py",
    "assay/api/records/migrations/versions/0002_uploads.py",
    "assay/datasets/photographs/coffee.png",
    "assay/detector/verify.py",
    "assay/detector/judge/rules.py",
    "assay/provenance/marking.py",
    "assay/provenance/generation/a1111/scripts/assay_sign.py",
    "assay/provenance/generation/a1111/README.md",
    "assay/provenance/generation/comfyui/hooks.py",
    "assay/provenance/generation/comfyui/README.md",
    "assay/provenance/log_migrations/versions/0001_files.py",
    "assay/provenance/matching/__init__.py",
    "assay/provenance/matching/migrations/versions/0001_first_tables.py",
    "assay/reports/__init__.py",
    "assay/reports/templates/report.css",
    "assay/reports/templates/scan.html",
    "assay/watermark/__init__.py",
    "assay/watermark/vectors/vectors.json",
)
FORBIDDEN = ("assay/datasets/__init__.py", "tests/", "detector/", "watermark/")
MAX_MEGABYTES = 20


def problems(path: str) -> list[str]:
    """What is wrong with the wheel at `path`."""
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
        megabytes = sum(item.compress_size for item in wheel.infolist()) / 1e6
    found = [f"missing: {name}" for name in EXPECTED if name not in names]
    found += [f"must not be there: {n}" for n in sorted(names) if n.startswith(FORBIDDEN)]
    if not any(n.startswith("assay/detector/weights/") for n in names):
        found.append("missing: assay/detector/weights/*")
    if megabytes > MAX_MEGABYTES:
        found.append(f"{megabytes:.1f} MB, the limit is {MAX_MEGABYTES}")
    return found


if __name__ == "__main__":
    found = problems(sys.argv[1])
    print("\n".join(found) or f"{sys.argv[1]}: complete")
    sys.exit(1 if found else 0)
