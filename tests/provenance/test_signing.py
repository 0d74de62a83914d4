from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.errors import ConfigurationError, KeysUnavailable, UnsupportedMedia
from assay.media import Media
from assay.provenance import certificates, installed_signer, keys, manifests
from assay.provenance.manifests import Agent, IngredientInput, SoftBinding
from assay.provenance.reading import read
from assay.provenance.signing import embed, sign_bytes, sign_detached
from assay.provenance.vocabulary import DigitalSourceType, Relationship
from assay.settings import settings

from .conftest import flipped, generated


def test_signed_file_reads_back_as_it_was_meant(home: Path, photo: bytes) -> None:
    manifest = generated(title="a portrait")
    credentials = read(sign_bytes(Media.from_bytes(photo), manifest))
    assert credentials.state == "trusted"
    assert credentials.manifest_label == manifest.label
    assert credentials.title == "a portrait"
    assert credentials.digital_source_type is DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA
    assert credentials.origin == "generated"
    assert [action.action for action in credentials.actions] == ["c2pa.created"]
    assert credentials.actions[0].agent == "test-model 1.0"


def test_pixels_are_untouched(home: Path, photo: bytes) -> None:
    signed = sign_bytes(Media.from_bytes(photo), generated())
    before = np.asarray(Image.open(io.BytesIO(photo)))
    assert np.array_equal(before, np.asarray(Image.open(io.BytesIO(signed))))


def test_the_cost_is_small(home: Path, photo: bytes) -> None:
    media = Media.from_bytes(photo)
    assert len(sign_bytes(media, generated(), thumbnail=False)) - len(photo) < 5_000
    assert len(sign_bytes(media, generated())) - len(photo) < 25_000


def test_watermark_binding_brings_its_action(home: Path, photo: bytes) -> None:
    manifest = generated().with_soft_binding(SoftBinding.watermark(0xABCDEF123456789))
    credentials = read(sign_bytes(Media.from_bytes(photo), manifest))
    assert credentials.watermark_payload == 0xABCDEF123456789
    assert [action.action for action in credentials.actions] == [
        "c2pa.created",
        "c2pa.watermarked.bound",
    ]


def test_fingerprint_binding_brings_no_action(home: Path, photo: bytes) -> None:
    manifest = generated().with_soft_binding(SoftBinding("org.assay.fingerprint.v1", "beef"))
    credentials = read(sign_bytes(Media.from_bytes(photo), manifest))
    assert credentials.soft_bindings == (SoftBinding("org.assay.fingerprint.v1", "beef"),)
    assert [action.action for action in credentials.actions] == ["c2pa.created"]


def test_nothing_private_is_written(home: Path, photo: bytes) -> None:
    import getpass
    import socket

    signed = sign_bytes(Media.from_bytes(photo, name="/secret/folder/me.jpg"), generated())
    for secret in (str(home), "/secret/folder", socket.gethostname()):
        assert secret.encode() not in signed
    if len(getpass.getuser()) > 4:
        assert getpass.getuser().encode() not in signed


def test_edit_keeps_its_parent(signed: bytes, photo: bytes) -> None:
    parent = IngredientInput(signed, "image/jpeg", Relationship.PARENT_OF, title="before")
    mask = IngredientInput(photo, "image/jpeg", Relationship.INPUT_TO, title="mask")
    manifest = manifests.edited(Agent("inpainter"), parent, inputs=[mask])
    credentials = read(sign_bytes(Media.from_bytes(photo), manifest))
    assert [(part.title, part.relationship, part.state) for part in credentials.ingredients] == [
        ("before", Relationship.PARENT_OF, "trusted"),
        ("mask", Relationship.INPUT_TO, "none"),
    ]
    assert credentials.broken_ingredients == ()
    assert credentials.origin == "generated"


def test_edit_of_a_capture_is_an_edit(home: Path, photo: bytes) -> None:
    capture = sign_bytes(Media.from_bytes(photo), manifests.captured(Agent("camera")))
    assert read(capture).origin == "captured"
    parent = IngredientInput(capture, "image/jpeg", Relationship.PARENT_OF)
    edit = sign_bytes(Media.from_bytes(photo), manifests.edited(Agent("inpainter"), parent))
    assert read(edit).origin == "edited"


def test_a_tampered_parent_is_reported_although_the_file_is_trusted(
    signed: bytes, photo: bytes
) -> None:
    parent = IngredientInput(flipped(signed, -500), "image/jpeg", Relationship.PARENT_OF)
    once = sign_bytes(Media.from_bytes(photo), manifests.edited(Agent("a"), parent))
    grandparent = IngredientInput(once, "image/jpeg", Relationship.PARENT_OF)
    twice = sign_bytes(Media.from_bytes(photo), manifests.edited(Agent("b"), grandparent))
    for edited in (once, twice):
        credentials = read(edited)
        assert credentials.state == "trusted"
        [broken] = credentials.broken_ingredients
        assert [problem.code for problem in broken.problems] == ["assertion.dataHash.mismatch"]


def test_signing_again_does_not_vouch_for_what_was_there(home: Path, signed: bytes) -> None:
    again = sign_bytes(Media.from_bytes(flipped(signed, -500)), generated())
    assert read(again).ingredients == ()


def test_detached_manifest_binds_a_document(home: Path) -> None:
    page = b"<html><body>report</body></html>"
    manifest = generated(source_type=DigitalSourceType.DATA_DRIVEN_MEDIA)
    store = sign_detached(page, "text/html", manifest)
    assert read(page, manifest=store).state == "trusted"
    changed = read(page + b" ", manifest=store)
    assert changed.state == "invalid"
    assert [problem.code for problem in changed.problems] == ["assertion.dataHash.mismatch"]


def test_detached_manifest_of_another_file_does_not_hold(home: Path) -> None:
    store = sign_detached(b'{"a": 1}', "application/json", generated())
    assert read(b'{"a": 2}', manifest=store).state == "invalid"
    assert read(b'{"a": 1}', manifest=store[: len(store) // 2]).state == "invalid"
    assert read(b'{"a": 1}', manifest=b"junk").state == "invalid"


def test_embed_returns_the_store_it_wrote(home: Path, photo: bytes) -> None:
    signed, store = embed(photo, "image/jpeg", generated())
    assert read(signed).manifest_bytes == store


@pytest.mark.parametrize("media_type", ["video/webm", "image/bmp", "text/plain", "audio/ogg"])
def test_formats_without_a_place_are_refused(media_type: str, home: Path) -> None:
    with pytest.raises(UnsupportedMedia, match="cannot carry an embedded manifest"):
        embed(b"data", media_type, generated())


def test_without_keys_nothing_is_signed(photo: bytes) -> None:
    with pytest.raises(KeysUnavailable):
        sign_bytes(Media.from_bytes(photo), generated())


def test_production_refuses_development_certificates(
    home: Path, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_ENV", "production")
    settings.cache_clear()
    with pytest.raises(KeysUnavailable, match="production"):
        sign_bytes(Media.from_bytes(photo), generated())


def test_expired_certificates_are_refused_before_signing(home: Path, photo: bytes) -> None:
    import datetime as dt

    root = certificates.make_root()
    issuer = certificates.make_intermediate(root)
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=400)
    leaf = certificates.make_leaf(issuer, now=long_ago, days=30)
    folder = home / "keys"
    chain = certificates.to_pem(leaf.certificate) + certificates.to_pem(issuer.certificate)
    (folder / keys.SIGNER_CHAIN).write_bytes(chain)
    (folder / keys.SIGNER_KEY).write_bytes(certificates.key_to_pem(leaf.key))
    with pytest.raises(KeysUnavailable, match="expired"):
        installed_signer.installed()


def test_source_types_outside_the_vocabulary_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="not an IPTC digital source type"):
        DigitalSourceType.parse("http://x/y")
    with pytest.raises(ValueError, match="not a valid"):
        generated(source_type="http://x/y")
    assert DigitalSourceType.parse("digitalCapture") is DigitalSourceType.DIGITAL_CAPTURE


def test_wrong_relationships_are_refused(photo: bytes) -> None:
    component = IngredientInput(photo, "image/jpeg", Relationship.COMPONENT_OF)
    with pytest.raises(ConfigurationError, match="expected parentOf"):
        manifests.edited(Agent("x"), component)
    with pytest.raises(ConfigurationError, match="expected inputTo"):
        manifests.generated(Agent("x"), inputs=[component])


def test_labels_are_checked() -> None:
    assert generated().label != generated().label
    with pytest.raises(ConfigurationError, match="urn:c2pa"):
        generated(label="urn:uuid:1")


def test_payloads_are_checked() -> None:
    with pytest.raises(ConfigurationError, match="60 bits"):
        SoftBinding.watermark(1 << 60)
    assert SoftBinding.watermark(0).watermark_payload == 0
    assert SoftBinding("org.assay.watermark.v1", "zz").watermark_payload is None
