"""Ten thousand damaged files over all formats: `python tests/provenance/mutate.py`.

Exits with 1 when a mutant whose bound content changed is believed, or one takes over five
seconds. A crash of the validator shows as `limit-exceeded`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", default="1")
    options = parser.parse_args()
    from mutations import examine
    from samples import sample

    from assay.provenance import keys, manifests
    from assay.provenance.formats import EMBEDDABLE
    from assay.provenance.signing import embed

    keys.init()
    failures = 0
    each = -(-options.count // len(EMBEDDABLE))
    for media_type in EMBEDDABLE:
        manifest = manifests.generated(manifests.Agent("model", "1"))
        signed, _ = embed(sample(media_type), media_type, manifest, thumbnail=False)
        tally = examine(signed, (options.seed, media_type), each)
        failures += len(tally.believed) + len(tally.slow)
        sys.stdout.write(f"{media_type:20} {tally.outcomes}")
        sys.stdout.write(f" believed {tally.believed[:5]} slow {len(tally.slow)}\n")
        sys.stdout.flush()
    return 1 if failures else 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["ASSAY_HOME"] = home
        sys.exit(main())
