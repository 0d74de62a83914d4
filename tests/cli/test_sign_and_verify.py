"""`assay sign` and `assay verify`: profiles, documents, and what may touch the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from assay.media import Media
from assay.provenance import certificates, keys, read
from assay.provenance.manifests import Agent, generated
from assay.provenance.matching import Registry
from assay.provenance.signing import sign_detached
from assay.settings import settings
from tests.loopback import Loopback, serve
from tests.provenance.responder import NOW, make_crl
from tests.provenance.samples import sample, with_remote_manifest

from ..command_line import Outcome, Run


@pytest.fixture(autouse=True)
def development_keys() -> None:
    keys.init()


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as running:
        yield running


@pytest.fixture
def allowed(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> Loopback:
    """A server that may be asked although it is on loopback."""
    monkeypatch.setenv("ASSAY_FETCH_ALLOWED_HOSTS", server.host)
    settings.cache_clear()
    return server


@pytest.fixture
def photo(save: Callable[..., Path], chelsea: np.ndarray) -> Path:
    return save(chelsea, "photo.jpg", quality=90)


def test_a_sound_file(assay: Run, tmp_path: Path) -> None:
    source = tmp_path / "voice.mp3"
    source.write_bytes(sample("audio/mpeg"))

    signed = assay("sign", source, "--generator", "a voice model")
    verified = assay("verify", tmp_path / "voice.signed.mp3", "--json", "--html", tmp_path / "r")

    assert signed.code == 0
    assert "no watermark or fingerprint (audio/mpeg)" in signed.out
    [document] = verified.documents
    assert document["verdict"]["category"] == "generated"
    assert "audio/mpeg" in document["verdict"]["not_scored"][0]["why"]
    assert "voice.signed.mp3" in (tmp_path / "r" / "voice.signed.mp3.html").read_text()
    assert assay("sign", source).code == 3  # the result exists


def test_a_page_and_the_manifest_beside_it(assay: Run, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("<!doctype html><title>Report</title>")
    assert assay("verify", page).code == 3

    assert assay("sign", page).code == 0

    assert assay("verify", page, "--json").documents[0]["verdict"]["category"] == "generated"
    page.write_text("<!doctype html><title>Another report</title>")
    assert assay("verify", page, "--fail-on", "altered").code == 1


def test_what_cannot_be_signed_is_named(assay: Run, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("Dear newsroom")
    outcome = assay("sign", text)
    assert outcome.code == 3
    assert "not a picture or video" in outcome.err
    assert list(tmp_path.iterdir()) == [text]


def test_a_composite_names_its_parts(
    assay: Run, photo: Path, save: Callable[..., Path], coffee: np.ndarray, tmp_path: Path
) -> None:
    other = save(coffee, "other.png")
    joined = save(coffee[::-1].copy(), "joined.png")
    options = ("--no-watermark", "-o", tmp_path / "out.png", "--source-type", "compositeCapture")
    outcome = assay(
        "sign", joined, "--profile", "composite", "--parent", photo, "--parent", other, *options
    )

    assert outcome.code == 0, outcome.err
    credentials = read(tmp_path / "out.png")
    assert [part.relationship for part in credentials.ingredients] == ["componentOf"] * 2
    assert [action.action for action in credentials.actions] == [
        "c2pa.created",
        "c2pa.placed",
        "c2pa.placed",
    ]
    assert credentials.origin == "captured"


def test_a_conversion_keeps_the_chain_and_the_mark(
    assay: Run, photo: Path, save: Callable[..., Path], tmp_path: Path
) -> None:
    signed = assay("sign", photo, "--json").documents[0]
    original = tmp_path / "photo.signed.jpg"
    converted = save(Media.open(original).pixels(), "converted.png")

    outcome = assay(
        "sign", converted, "--profile", "converted", "--parent", original, "-o", tmp_path / "c.png"
    )

    assert outcome.code == 0, outcome.err
    document = assay("verify", tmp_path / "c.png", "--json").documents[0]
    assert document["verdict"]["category"] == "generated"
    findings = {item["finding"]: item for item in document["evidence"]}
    assert signed["payload"].endswith(findings["watermark-agrees"]["details"]["payload"])
    [parent] = findings["c2pa-trusted"]["details"]["ingredients"]
    assert (parent["relationship"], parent["state"]) == ("parentOf", "trusted")


def test_a_redaction_removes_the_prompt(assay: Run, photo: Path, tmp_path: Path) -> None:
    secret = "a purple giraffe over Lisbon"
    assert assay("sign", photo, "--prompt", secret, "--prompt-policy", "full").code == 0
    original = tmp_path / "photo.signed.jpg"
    assert secret.encode() in original.read_bytes()

    outcome = assay(
        "sign",
        original,
        "--profile",
        "redacted",
        "--redact",
        "org.assay.prompt",
        "-o",
        tmp_path / "clean.jpg",
    )

    assert outcome.code == 0, outcome.err
    assert secret.encode() not in (tmp_path / "clean.jpg").read_bytes()
    credentials = read(tmp_path / "clean.jpg")
    assert (credentials.state, credentials.origin) == ("trusted", "generated")
    assert "c2pa.redacted" in [action.action for action in credentials.actions]

    # Nor does the registry hand the original's manifest out: it leads to the redacted one.
    with Registry(settings().registry_url) as registry:
        assert registry.manifest_for_file(sha256(original.read_bytes()).hexdigest()) is None
        found = [item.record for item in registry.recover(photo)]
    assert [record.label for record in found] == [credentials.manifest_label]
    assert secret.encode() not in found[0].manifest


def test_ingredients_are_inputs(
    assay: Run, photo: Path, save: Callable[..., Path], coffee: np.ndarray, tmp_path: Path
) -> None:
    mask = save(coffee, "mask.png")
    out = tmp_path / "o.jpg"
    assert assay("sign", photo, "--ingredient", mask, "--no-watermark", "-o", out).code == 0
    [part] = read(out).ingredients
    assert part.relationship == "inputTo"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--profile", "invented"], "is not one of"),
        (["--profile", "edited"], "exactly one"),
        (["--profile", "edited", "--parent", "a", "--parent", "b"], "exactly one"),
        (["--profile", "composite"], "pass each with --parent"),
        (["--profile", "captured", "--parent", "a"], "a parent belongs"),
        (["--profile", "captured", "--ingredient", "a"], "no model"),
        (["--profile", "redacted"], "--redact"),
        (["--redact", "org.assay.prompt"], "--redact"),
        (["--profile", "converted", "--parent", "a", "--source-type", "print"], "creates nothing"),
    ],
)
def test_options_that_do_not_fit_the_profile(
    assay: Run, photo: Path, options: list[str], message: str
) -> None:
    outcome = assay("sign", photo, *options)
    assert outcome.code == 2
    assert message in " ".join(outcome.err.replace("│", " ").split())


def test_a_source_type_outside_the_vocabulary(assay: Run, photo: Path) -> None:
    outcome = assay("sign", photo, "--source-type", "http://x/y")
    assert outcome.code == 2
    assert "IPTC" in outcome.err


def test_nothing_is_redacted_from_a_file_without_a_manifest(assay: Run, photo: Path) -> None:
    outcome = assay("sign", photo, "--profile", "redacted", "--redact", "org.assay.prompt")
    assert outcome.code == 2
    assert "no manifest" in outcome.err


def test_a_url_is_fetched_only_when_asked(assay: Run, allowed: Loopback, photo: Path) -> None:
    allowed.pages["/a/photo.jpg?size=1"] = (200, {}, photo.read_bytes())
    url = allowed.url("/a/photo.jpg?size=1")

    refused = assay("verify", url)
    assert refused.code == 3
    assert "--allow-network" in refused.err
    assert allowed.seen == []

    outcome = assay("verify", url, "--allow-network", "--json")
    assert outcome.code == 0
    assert outcome.documents[0]["media"]["name"] == "photo.jpg"


def test_a_url_inside_is_never_fetched(assay: Run, server: Loopback, photo: Path) -> None:
    """The client is asked to, and refuses: this machine is not the public Internet."""
    server.pages["/photo.jpg"] = (200, {}, photo.read_bytes())
    outcome = assay("verify", server.url("/photo.jpg"), photo, "--allow-network", "--json")
    assert outcome.code == 3
    assert outcome.documents[0]["type"] == "urn:assay:problem:fetch-refused"
    assert "verdict" in outcome.documents[1]
    assert server.seen == []


def test_a_revocation_list(assay: Run, photo: Path, tmp_path: Path) -> None:
    folder = settings().keys_folder
    assert assay("sign", photo, "--no-watermark").code == 0
    signed = tmp_path / "photo.signed.jpg"
    leaf, issuing = certificates.load_chain((folder / "signer.pem").read_bytes())[:2]
    stranger = certificates.make_root()
    crl = tmp_path / "list.crl"
    crl.write_bytes(make_crl(stranger, {leaf.serial_number: NOW}))
    (tmp_path / "issuer.pem").write_bytes(certificates.to_pem(issuing))

    refused = assay("trust", "revoke", "house", crl, "--issuer", tmp_path / "issuer.pem")
    assert refused.code == 2
    assert "not signed by any authority" in refused.err

    (tmp_path / "stranger.pem").write_bytes(certificates.to_pem(stranger.certificate))
    added = assay("trust", "revoke", "other", crl, "--issuer", tmp_path / "stranger.pem", "--json")
    assert added.documents[0]["revoked"] == 1
    assert "other" in assay("trust", "list").out
    # Another authority's list says nothing about this signer.
    assert assay("verify", signed, "--json").documents[0]["verdict"]["category"] == "generated"
    assert assay("trust", "remove", "other", "--revoked").code == 0
    assert "other" not in assay("trust", "list").out


@pytest.fixture
def remote(server: Loopback, photo: Path, tmp_path: Path) -> Path:
    """A file whose manifest is on the loopback server."""
    path = tmp_path / "remote.jpg"
    path.write_bytes(with_remote_manifest(photo.read_bytes(), server.url("/m.c2pa")))
    manifest = generated(Agent("model", "1"))
    store = sign_detached(path.read_bytes(), "image/jpeg", manifest)
    server.pages["/m.c2pa"] = (200, {"Content-Type": "application/c2pa"}, store)
    return path


def elsewhere(outcome: Outcome) -> str:
    [document] = outcome.documents
    [found] = [e for e in document["evidence"] if e["finding"] == "manifest-elsewhere"]
    return str(found["summary"])


def test_a_remote_manifest_is_asked_for_only_on_request(
    assay: Run, allowed: Loopback, remote: Path
) -> None:
    assert "was not asked" in elsewhere(assay("verify", remote, "--json"))
    assert allowed.seen == []

    outcome = assay("verify", remote, "--fetch-remote", "--json")
    assert outcome.documents[0]["verdict"]["category"] == "generated"
    assert [path for _, path, _ in allowed.seen] == ["/m.c2pa"]
    [found] = [e for e in outcome.documents[0]["evidence"] if "remote_url" in e["details"]]
    assert found["details"]["remote_url"].endswith("/m.c2pa")


def test_a_remote_manifest_on_this_machine_is_refused(
    assay: Run, server: Loopback, remote: Path
) -> None:
    summary = elsewhere(assay("verify", remote, "--fetch-remote", "--json"))
    assert "could not be had" in summary
    assert server.seen == []


def test_a_redirect_inwards_is_not_followed(
    assay: Run, allowed: Loopback, photo: Path, tmp_path: Path
) -> None:
    with serve() as inner:
        url = allowed.redirect("/away", inner.url("/m.c2pa"))
        path = tmp_path / "remote.jpg"
        path.write_bytes(with_remote_manifest(photo.read_bytes(), url))
        summary = elsewhere(assay("verify", path, "--fetch-remote", "--json"))
        assert "could not be had" in summary
        assert len(allowed.seen) == 1
        assert inner.seen == []


def test_junk_instead_of_a_remote_manifest(assay: Run, allowed: Loopback, remote: Path) -> None:
    allowed.pages["/m.c2pa"] = (200, {}, b"junk")
    [document] = assay("verify", remote, "--fetch-remote", "--json").documents
    assert document["verdict"]["category"] not in ("generated", "captured", "edited")
