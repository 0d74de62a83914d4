"""Long, coverage-guided fuzzing with atheris; what it finds is printed and kept.

    pip install atheris
    python tests/fuzz/run.py [TARGET ...] [--runs 100000] [--keep DIR]

Each target runs in a process of its own, with a limit on time and memory for each input.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

INPUT_SECONDS = 10
MEMORY_MB = 2048


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        fuzz(options.targets[0], options.runs, options.keep)
    from tests.fuzz.targets import TARGETS

    executed = findings = 0
    for name in options.targets or TARGETS:
        (options.keep / name).mkdir(parents=True, exist_ok=True)
        command = [sys.executable, __file__, name, "--one", "--runs", str(options.runs)]
        finished = subprocess.run(
            [*command, "--keep", str(options.keep / name)], capture_output=True, text=True
        )
        done = [int(n) for n in re.findall(r"^#(\d+)", finished.stderr, re.MULTILINE)]
        executed += max(done, default=0)
        covered = re.findall(r"ft: (\d+)", finished.stderr)
        verdict = "nothing found" if finished.returncode == 0 else "FOUND"
        print(f"{name:<20} {max(done, default=0):>9,} runs  {covered[-1:]} features  {verdict}")
        if finished.returncode:
            findings += 1
            print(finished.stderr[-3000:])
    print(f"{executed:,} executions, {findings} targets with findings")
    return 1 if findings else 0


def fuzz(name: str, runs: int, keep: Path) -> None:
    import atheris

    # What numba compiles cannot be watched for new paths, so it is imported before.
    import assay.provenance.matching.hash_index
    import assay.watermark  # noqa: F401

    with atheris.instrument_imports(include=["assay"], enable_loader_override=False):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.seeds):
            (Path(corpus) / str(number)).write_bytes(seed)
        arguments = [
            sys.argv[0],
            corpus,
            f"-runs={runs}",
            f"-timeout={INPUT_SECONDS}",
            f"-rss_limit_mb={MEMORY_MB}",
            f"-artifact_prefix={keep}/",
            "-max_len=4096",
        ]
        atheris.Setup(arguments, target)
        atheris.Fuzz()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    sys.exit(main())
