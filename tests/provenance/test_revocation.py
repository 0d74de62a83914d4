"""A revoked certificate vouches for nothing: by a stapled OCSP response, by a house list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import assay
from assay.errors import ConfigurationError
from assay.media import Media
from assay.provenance import certificates, keys, revocation, trust
from assay.provenance.certificates import Issued
from assay.provenance.claims import IngredientInput
from assay.provenance.manifests import Agent, edited
from assay.provenance.reading import read
from assay.provenance.signers import PemSigner
from assay.provenance.signing import sign_bytes
from assay.provenance.vocabulary import Relationship

from . import authority, responder
from .conftest import generated

BEFORE = responder.NOW - dt.timedelta(days=2)
AFTER = responder.NOW + dt.timedelta(days=2)


@dataclass(frozen=True)
class House:
    """An authority with a leaf, trusted here under the name `house`."""

    root: Issued
    issuing: Issued
    leaf: Issued

    def signer(self, timestamp_url: str | None = None) -> PemSigner:
        chain = b"".join(
            certificates.to_pem(part.certificate) for part in (self.leaf, self.issuing)
        )
        return PemSigner(chain, certificates.key_to_pem(self.leaf.key), timestamp_url)

    @property
    def serial(self) -> int:
        return self.leaf.certificate.serial_number

    def revoke(self, when: dt.datetime, **options: object) -> revocation.RevocationList:
        crl = responder.make_crl(self.issuing, {self.serial: when})
        issuer = certificates.to_pem(self.issuing.certificate)
        return revocation.add("house", crl, issuer=issuer, **options)


@pytest.fixture(scope="session")
def made_house() -> House:
    root = certificates.make_root()
    issuing = certificates.make_intermediate(root)
    return House(root, issuing, certificates.make_leaf(issuing))


@pytest.fixture
def house(made_house: House, isolated_home: Path) -> House:
    anchors = certificates.to_pem(made_house.root.certificate)
    trust.add("house", anchors)
    trust.add("house-tsa", anchors, kind="tsa")
    return made_house


@pytest.fixture
def timestamps(house: House, tmp_path: Path) -> Iterator[str]:
    with authority.serve(house.issuing, tmp_path) as url:
        yield url


def test_a_stapled_response(house: House, timestamps: str, photo: bytes) -> None:
    """Offline: the answer came with the file."""
    signed = sign_bytes(Media.from_bytes(photo), generated(), house.signer(timestamps))
    delegate = responder.make_responder(house.issuing)

    def stapled(revoked: dt.datetime | None) -> bytes:
        told = responder.answer(house.leaf.certificate, house.issuing, delegate, revoked)
        return responder.stapled(signed, told)

    keys.init()  # the other examiners need some
    revoked = read(stapled(BEFORE))
    assert revoked.state == "invalid"
    assert [problem.code for problem in revoked.problems] == ["signingCredential.ocsp.revoked"]
    verification = assay.verify(stapled(BEFORE))
    assert verification.find("signer-revoked")
    assert verification.verdict.category == "inconclusive"

    # Signed, as the time stamp shows, before the key was lost: still good.
    assert read(stapled(AFTER)).state == "trusted"
    assert read(stapled(None)).state == "trusted"
    assert read(signed).state == "trusted"


def test_an_answer_that_does_not_count(house: House, timestamps: str, photo: bytes) -> None:
    """Of a responder that nobody delegated, or about another certificate."""
    signed = sign_bytes(Media.from_bytes(photo), generated(), house.signer(timestamps))
    stranger = responder.make_responder(certificates.make_intermediate(house.root))
    told = responder.answer(house.leaf.certificate, house.issuing, stranger, BEFORE)
    assert read(responder.stapled(signed, told)).state == "trusted"
    delegate = responder.make_responder(house.issuing)
    other = certificates.make_leaf(house.issuing)
    told = responder.answer(other.certificate, house.issuing, delegate, BEFORE)
    assert read(responder.stapled(signed, told)).state == "trusted"


def test_a_house_list(house: House, photo: bytes) -> None:
    signed = sign_bytes(Media.from_bytes(photo), generated(), house.signer())
    keys.init()
    assert assay.verify(signed).verdict.category == "generated"

    house.revoke(BEFORE)

    credentials = read(signed)
    assert (credentials.state, credentials.trust_list) == ("invalid", None)
    assert credentials.problems[-1].code == "assay.signer.revoked"
    assert "the list house" in credentials.problems[-1].explanation
    verification = assay.verify(signed)
    found = verification.find("signer-revoked")
    assert found is not None
    assert "Assay development signer" in found.summary
    assert verification.verdict.category == "inconclusive"
    revocation.remove("house")
    assert read(signed).state == "trusted"


def test_a_time_stamp_before_the_revocation_keeps_the_signature(
    house: House, timestamps: str, photo: bytes
) -> None:
    stamped = sign_bytes(Media.from_bytes(photo), generated(), house.signer(timestamps))
    plain = sign_bytes(Media.from_bytes(photo), generated(), house.signer())
    house.revoke(AFTER)
    assert read(stamped).state == "trusted"
    assert read(plain).state == "invalid"
    house.revoke(BEFORE, replace_old=True)
    assert read(stamped).state == "invalid"


def test_other_certificates_are_not_touched(house: House, photo: bytes) -> None:
    signed = sign_bytes(Media.from_bytes(photo), generated(), house.signer())
    crl = responder.make_crl(house.issuing, {house.serial + 1: BEFORE})
    revocation.add("house", crl, issuer=certificates.to_pem(house.issuing.certificate))
    assert read(signed).state == "trusted"

    other = certificates.make_root()
    trust.add("other", certificates.to_pem(other.certificate))
    revocation.add("other", responder.make_crl(other, {house.serial: BEFORE}))
    assert read(signed).state == "trusted"


def test_a_revoked_parent_shows(house: House, photo: bytes) -> None:
    parent = sign_bytes(Media.from_bytes(photo), generated(), house.signer())
    keys.init()
    ingredient = IngredientInput(parent, "image/jpeg", Relationship.PARENT_OF)
    signed = sign_bytes(Media.from_bytes(photo), edited(Agent("editor"), ingredient))
    assert read(signed).ingredients[0].state == "trusted"

    house.revoke(BEFORE)

    credentials = read(signed)
    assert credentials.state == "trusted"
    [part] = credentials.broken_ingredients
    assert part.problems[-1].code == "assay.signer.revoked"
    assert assay.verify(signed).find("ingredient-invalid") is None  # nothing was tampered with


def test_an_opened_picture_is_judged_by_the_lists_of_the_moment(house: House, photo: bytes) -> None:
    media = Media.from_bytes(sign_bytes(Media.from_bytes(photo), generated(), house.signer()))
    assert read(media).state == "trusted"
    house.revoke(BEFORE)
    assert read(media).state == "invalid"


def test_a_list_that_is_none_or_not_the_issuers(house: House) -> None:
    with pytest.raises(ConfigurationError, match="not a certificate revocation list"):
        revocation.add("house", b"junk")
    crl = responder.make_crl(house.issuing, {})
    with pytest.raises(ConfigurationError, match="not signed by any authority"):
        revocation.add("house", crl)  # the issuing authority is no anchor
    stranger = certificates.make_intermediate(house.root)
    with pytest.raises(ConfigurationError, match="not signed by any authority"):
        revocation.add("house", crl, issuer=certificates.to_pem(stranger.certificate))
    for name in ("../house", "House", ""):
        with pytest.raises(ConfigurationError, match="list name"):
            revocation.add(name, crl)
    assert revocation.installed() == ()
    house.revoke(BEFORE)
    with pytest.raises(ConfigurationError, match="exists"):
        house.revoke(BEFORE)
    with pytest.raises(ConfigurationError, match="no revocation list"):
        revocation.remove("other")
