"""The public C2PA test files (CC BY-SA 4.0, not part of this repository).

Set ASSAY_C2PA_TESTFILES to a checkout of c2pa-org/public-testfiles to run this.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.provenance.reading import read

FOLDER = os.environ.get("ASSAY_C2PA_TESTFILES")
pytestmark = pytest.mark.skipif(not FOLDER, reason="ASSAY_C2PA_TESTFILES is not set")

DATA, URI, SIG = "assertion.dataHash.mismatch", "assertion.hashedURI.mismatch", "claimSignature"
# File -> state, and a code that must be among its problems or its ingredients' problems.
# Adobe's names: C claim, A adobe metadata, I ingredient, E error (what was broken), X without
# the manifest being updated. Untrusted throughout: their roots are test roots.
EXPECTED: dict[str, tuple[str, str | None]] = {
    "adobe-20220124-A.jpg": ("none", None),
    "adobe-20220124-I.jpg": ("none", None),
    "adobe-20220124-C.jpg": ("valid", None),
    "adobe-20220124-CA.jpg": ("valid", None),
    "adobe-20220124-CACA.jpg": ("valid", None),
    "adobe-20220124-CACAICAICICA.jpg": ("valid", None),
    "adobe-20220124-CAI.jpg": ("valid", None),
    "adobe-20220124-CAIAIIICAICIICAIICICA.jpg": ("valid", None),
    "adobe-20220124-CAICA.jpg": ("valid", None),
    "adobe-20220124-CAICAI.jpg": ("valid", None),
    "adobe-20220124-CI.jpg": ("valid", None),
    "adobe-20220124-CICA.jpg": ("valid", None),
    "adobe-20220124-CICACACA.jpg": ("valid", None),
    "adobe-20220124-CII.jpg": ("valid", None),
    # The file itself holds; the ingredient it was made from does not.
    "adobe-20220124-CIE-sig-CA.jpg": ("valid", "claimSignature.mismatch"),
    "adobe-20220124-E-clm-CAICAI.jpg": ("invalid", "ingredient.manifest.missing"),
    "adobe-20220124-E-dat-CA.jpg": ("invalid", DATA),
    "adobe-20220124-E-sig-CA.jpg": ("invalid", "claimSignature.mismatch"),
    "adobe-20220124-E-uri-CA.jpg": ("invalid", URI),
    "adobe-20220124-E-uri-CIE-sig-CA.jpg": ("invalid", URI),
    "adobe-20220124-XCA.jpg": ("invalid", DATA),
    "adobe-20220124-XCI.jpg": ("invalid", DATA),
    "nikon-20221019-building.jpeg": ("invalid", "signingCredential.expired"),
    # Published as valid in 2023; validators of today reject the position of the excluded
    # range ("data hash exclusion does not match the manifest location").
    "truepic-20230212-camera.jpg": ("invalid", DATA),
    "truepic-20230212-landscape.jpg": ("invalid", DATA),
    "truepic-20230212-library.jpg": ("invalid", DATA),
    "adobe-20240110-single_manifest_store.pdf": ("valid", None),
    # Fonts are not read.
    "monotype-20240712-monotype_sans.ttf": ("none", None),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_expected_reading(name: str) -> None:
    [path] = Path(str(FOLDER)).rglob(name)
    credentials = read(path)
    state, code = EXPECTED[name]
    assert credentials.state == state
    ingredients = [p for part in credentials.broken_ingredients for p in part.problems]
    codes = {problem.code for problem in (*credentials.problems, *ingredients)}
    if code is None:
        assert codes <= {"signingCredential.untrusted"}
    else:
        assert code in codes
