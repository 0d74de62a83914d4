"""How trouble surfaces: one test for each trap of the C2PA library that was measured."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import assay
from assay.errors import InputRefused, LimitExceeded, UnreadableFile
from assay.media import Media
from assay.provenance import certificates, jumbf, manifests, reading, trust
from assay.provenance.isolating import validate_isolated
from assay.provenance.manifests import Agent, IngredientInput
from assay.provenance.reading import read
from assay.provenance.signers import PemSigner
from assay.provenance.signing import embed, sign_bytes, sign_detached
from assay.provenance.vocabulary import DigitalSourceType, Relationship

from .conftest import flipped, generated
from .samples import with_remote_manifest


def codes(data: bytes) -> list[str]:
    credentials = read(data)
    assert credentials.state == "invalid"
    return [problem.code for problem in credentials.problems]


def stranger() -> PemSigner:
    """A signer of a CA that no trust list knows."""
    issuer = certificates.make_intermediate(certificates.make_root())
    leaf = certificates.make_leaf(issuer, common_name="a stranger")
    chain = certificates.to_pem(leaf.certificate) + certificates.to_pem(issuer.certificate)
    return PemSigner(chain, certificates.key_to_pem(leaf.key))


def app11(data: bytes) -> bytes:
    """The manifest segments of a JPEG."""
    position, segments = 2, b""
    while data[position] == 0xFF and data[position + 1] != 0xDA:
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position + 1] == 0xEB:
            segments += data[position : position + 2 + length]
        position += 2 + length
    return segments


def test_no_manifest(photo: bytes) -> None:
    credentials = read(photo)
    assert credentials.state == "none"
    assert credentials.problems == ()
    assert credentials.signer is None


def test_a_resaved_copy_has_none(signed: bytes) -> None:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(signed)).save(buffer, "JPEG")
    assert read(buffer.getvalue()).state == "none"


def test_paths_bytes_and_media_read_the_same(signed: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(signed)
    readings = [read(path), read(str(path)), read(signed), read(Media.from_bytes(signed))]
    plain = [dataclasses.replace(reading, raw={}) for reading in readings]
    assert plain.count(plain[0]) == 4


def test_changed_appended_and_truncated_bytes(signed: bytes) -> None:
    for damaged in (flipped(signed, -500), signed + b"junk", signed[:-10]):
        assert codes(damaged) == ["assertion.dataHash.mismatch"]


def test_an_edited_assertion(signed: bytes) -> None:
    edited = signed.replace(b"trainedAlgorithmicMedia", b"digitalCapture_________")
    assert "assertion.hashedURI.mismatch" in codes(edited)


def test_an_edited_claim(signed: bytes) -> None:
    at = signed.find(b"instanceID") + 15
    assert "claimSignature.mismatch" in codes(flipped(signed, at))


def test_a_manifest_moved_to_another_picture(signed: bytes, coffee: np.ndarray) -> None:
    buffer = io.BytesIO()
    Image.fromarray(coffee).save(buffer, "JPEG")
    other = buffer.getvalue()
    moved = other[:2] + app11(signed) + other[2:]
    assert set(codes(moved)) == {"assertion.dataHash.mismatch"}


def test_a_damaged_store_is_invalid_not_an_error(signed: bytes) -> None:
    for name in (b"jumb", b"c2pa.actions", b"c2pa.signature", b"urn:c2pa"):
        position = signed.find(name)
        credentials = read(flipped(signed, position))
        assert credentials.state == "invalid"
        assert credentials.problems


def test_a_signer_on_no_list_is_valid_but_not_trusted(home: Path, photo: bytes) -> None:
    credentials = read(sign_bytes(Media.from_bytes(photo), generated(), stranger()))
    assert credentials.state == "valid"
    assert credentials.trust_list is None
    assert [problem.code for problem in credentials.problems] == ["signingCredential.untrusted"]
    assert not credentials.problems[0].breaks_integrity
    assert credentials.signer is not None
    assert credentials.signer.common_name == "a stranger"


def test_the_claim_signing_usage_alone_is_accepted(home: Path, signed: bytes) -> None:
    """Without an explicit usage list the library calls such certificates invalid."""
    assert read(signed, trust_lists=()).state == "valid"
    assert read(signed).state == "trusted"


def test_the_list_that_vouches_is_named(home: Path, photo: bytes) -> None:
    root = certificates.make_root()
    issuer = certificates.make_intermediate(root)
    leaf = certificates.make_leaf(issuer)
    chain = certificates.to_pem(leaf.certificate) + certificates.to_pem(issuer.certificate)
    signer = PemSigner(chain, certificates.key_to_pem(leaf.key))
    trust.add("house", certificates.to_pem(root.certificate), uri="https://example.org/trust")
    assert read(sign_bytes(Media.from_bytes(photo), generated(), signer)).trust_list == "house"
    assert read(sign_bytes(Media.from_bytes(photo), generated())).trust_list == "assay-development"


@pytest.mark.parametrize("kind", ["tsa", "cawg"])
def test_only_lists_of_manifest_signers_vouch_for_signers(
    kind: trust.Kind, home: Path, signed: bytes
) -> None:
    """The library itself lets time stamp and identity lists vouch for everything."""
    [development] = trust.installed()
    other = trust.add("other", development.pem.encode(), kind=kind)
    credentials = read(signed, trust_lists=(other,))
    assert (credentials.state, credentials.trust_list) == ("valid", None)
    assert [problem.code for problem in credentials.problems] == ["signingCredential.untrusted"]
    both = read(signed, trust_lists=(other, development))
    assert (both.state, both.trust_list) == ("trusted", "assay-development")


def test_the_intermediate_can_be_the_anchor(home: Path, signed: bytes) -> None:
    issuer = (home / "keys" / "issuer.pem").read_bytes()
    assert read(signed, trust_lists=(trust.add("issuer", issuer),)).state == "trusted"


@pytest.mark.parametrize("isolated", [True, False])
def test_a_remote_manifest_is_never_fetched(isolated: bool, home: Path, photo: bytes) -> None:
    """A URL of this machine that would redirect to a metadata service is not asked."""
    import http.server
    import threading

    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/m.c2pa"
        credentials = read(with_remote_manifest(photo, url), isolated=isolated)
        server.shutdown()
    assert credentials.state == "none"
    assert credentials.remote_url == url
    assert asked == []


def test_a_remote_manifest_is_read_when_the_caller_brings_it(home: Path, photo: bytes) -> None:
    url = "https://example.org/m.c2pa"
    remote = with_remote_manifest(photo, url)
    store = sign_detached(remote, "image/jpeg", generated())
    asked: list[str] = []

    def fetch(address: str) -> bytes:
        asked.append(address)
        return store

    credentials = read(remote, fetch=fetch)
    assert (credentials.state, credentials.remote_url, asked) == ("trusted", url, [url])
    assert read(remote, fetch=lambda _: b"junk").state == "invalid"
    assert read(photo, fetch=fetch).state == "none"
    assert asked == [url]


def test_svg_is_recognised_although_the_library_cannot(home: Path) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect/></svg>'
    signed, _ = embed(svg, "image/svg+xml", generated())
    assert read(signed).state == "trusted"


def test_integer_arrays_are_read_exactly(home: Path, photo: bytes) -> None:
    """The reader's JSON turns [96, 384, 70000] into text; crJSON does not."""
    manifest = generated().with_assertion("org.assay.test", {"sizes": [96, 384, 70000]})
    credentials = read(sign_bytes(Media.from_bytes(photo), manifest))
    exact = credentials.raw["crjson"]["manifests"][0]["assertions"]["org.assay.test"]
    assert exact == {"sizes": [96, 384, 70000]}


def test_flipped_padding_keeps_label_and_claim(signed: bytes) -> None:
    """Bytes of the store can change while it stays trusted: its hash is no identity."""
    label = read(signed).manifest_label
    start, end = signed.find(b"jumb"), signed.find(app11(signed)) + len(app11(signed))
    survivors = 0
    for position in range(start, end, 97):
        credentials = read(flipped(signed, position))
        if credentials.state == "trusted":
            survivors += 1
            assert credentials.manifest_label == label
            assert credentials.origin == "generated"
    assert survivors < (end - start) // 97


def with_identity(photo: bytes, home: Path) -> tuple[bytes, bytes]:
    """A file whose manifest names a person by a CAWG X.509 identity; and that person's root."""
    import c2pa

    from assay.provenance import signing

    root = certificates.make_root()
    issuer = certificates.make_intermediate(root)
    leaf = certificates.make_leaf(issuer, common_name="Ada")
    chain = certificates.to_pem(leaf.certificate) + certificates.to_pem(issuer.certificate)
    folder = home / "keys"
    options = signing._settings({"enabled": False})
    options["signer"] = {
        "local": {
            "alg": "es256",
            "sign_cert": (folder / "signer.pem").read_text(),
            "private_key": (folder / "signer.key").read_text(),
        }
    }
    options["cawg_x509_signer"] = {
        "local": {
            "alg": "es256",
            "sign_cert": chain.decode(),
            "private_key": certificates.key_to_pem(leaf.key).decode(),
            "referenced_assertions": ["c2pa.actions"],
        }
    }
    target = io.BytesIO()
    with c2pa.Context.from_dict(options) as context:
        builder = c2pa.Builder(generated().definition("image/jpeg"), context=context)
        # The library's documented way to sign with a signer from settings is shut in 0.38.
        builder._has_context_signer = True
        builder.sign("image/jpeg", io.BytesIO(photo), target)
    return target.getvalue(), certificates.to_pem(root.certificate)


def test_an_identity_is_shown_apart_from_trust_in_the_signer(home: Path, photo: bytes) -> None:
    """The library lowers the whole file to "Valid" for an identity nobody vouches for."""
    signed, root = with_identity(photo, home)
    unknown = read(signed)
    assert unknown.raw["reader"]["validation_state"] == "Valid"
    assert (unknown.state, unknown.trust_list) == ("trusted", "assay-development")
    [identity] = unknown.identities
    assert (identity.name, identity.trusted) == ("Ada", False)
    assert [problem.code for problem in identity.problems] == ["cawg.x509.credential.untrusted"]
    trust.add("people", root, kind="cawg")
    known = read(signed)
    assert (known.state, known.trust_list) == ("trusted", "assay-development")
    assert [(entry.name, entry.trusted) for entry in known.identities] == [("Ada", True)]


def test_an_identity_list_does_not_make_the_signer_trusted(home: Path, photo: bytes) -> None:
    signed, root = with_identity(photo, home)
    people = trust.add("people", root, kind="cawg")
    assert read(signed, trust_lists=(people,)).state == "valid"


def test_a_component_that_is_generated_makes_a_composite(home: Path, photo: bytes) -> None:
    part = sign_bytes(Media.from_bytes(photo), generated())
    capture = sign_bytes(Media.from_bytes(photo), manifests.captured(Agent("camera")))
    manifest = manifests.edited(
        Agent("editor"),
        IngredientInput(capture, "image/jpeg", Relationship.PARENT_OF),
        source_type=DigitalSourceType.HUMAN_EDITS,
    )
    assert read(sign_bytes(Media.from_bytes(photo), manifest)).origin == "captured"
    assert read(part).origin == "generated"


def test_limits_on_the_store(home: Path, signed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jumbf, "MAX_STORE_BYTES", 1000)
    with pytest.raises(LimitExceeded, match="manifest store of"):
        read(signed)
    monkeypatch.undo()
    monkeypatch.setattr(jumbf, "MAX_MANIFESTS", 0)
    with pytest.raises(LimitExceeded, match="1 manifests"):
        read(signed)


def test_a_manifest_is_counted(signed: bytes, photo: bytes, home: Path) -> None:
    store = jumbf.find_store(signed)
    assert store is not None
    assert jumbf.count_manifests(store) == 1
    parent = IngredientInput(signed, "image/jpeg", Relationship.PARENT_OF)
    twice = sign_bytes(Media.from_bytes(photo), manifests.edited(Agent("b"), parent))
    assert jumbf.count_manifests(jumbf.find_store(twice) or b"") == 2
    assert jumbf.count_manifests(b"junk") == 0


def test_unreadable_input(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="No such file"):
        read(tmp_path / "missing.jpg")
    with pytest.raises(InputRefused, match="empty"):
        read(b"")
    assert read(b"random bytes that are nothing").state == "none"


def test_one_verification_validates_a_file_once(
    home: Path, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watermark examiner asks for the credentials too."""
    media = assay.sign(astronaut).media
    validated = []

    def counted(data: bytes, *rest: object) -> dict[str, str]:
        validated.append(len(data))
        return validate_isolated(data, *rest)

    monkeypatch.setattr(reading, "validate_isolated", counted)
    verification = assay.verify(Media.from_bytes(media.data))
    assert verification.find("watermark-agrees")
    assert validated == [media.size]
