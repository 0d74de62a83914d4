from __future__ import annotations

import stat
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import ConfigurationError, KeysUnavailable
from assay.provenance import merkle, tiles
from assay.provenance.log_storage import FolderStorage
from assay.provenance.notes import Checkpoint, LogKey, open_checkpoint, sign_checkpoint
from assay.provenance.tiles import Tiles
from assay.provenance.transparency import Log, LogProof, check, entry_for
from assay.settings import settings as assay_settings

# Test vectors of the Certificate Transparency reference implementation (RFC 6962).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
DIGEST = sha256(b"a file").hexdigest()


def naive(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962 defines it, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + naive(leaves[:split]) + naive(leaves[split:])).digest()


def subtree_of(leaves: list[bytes]) -> merkle.Subtree:
    return lambda level, index: naive(leaves[index << level : (index + 1) << level])


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    leaves = LEAVES[:size]
    assert merkle.root_hash(size, subtree_of(leaves)).hex() == ROOTS[size]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_proofs_hold_and_nothing_else_does(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 40))
    index, old = data.draw(st.integers(0, new - 1)), data.draw(st.integers(1, new))
    leaves = [bytes([number]) for number in range(new)]
    subtree = subtree_of(leaves)
    root = naive(leaves)
    path = merkle.inclusion_proof(index, new, subtree)
    leaf = merkle.leaf_hash(leaves[index])
    assert merkle.root_from_inclusion(leaf, index, new, path) == root
    assert merkle.root_from_inclusion(merkle.leaf_hash(b"x"), index, new, path) != root
    assert merkle.root_from_inclusion(leaf, index, new, [*path, root]) != root
    proof = merkle.consistency_proof(old, new, subtree)
    assert merkle.is_consistent(old, naive(leaves[:old]), new, root, proof)
    other = naive([b"other", *leaves[1:old]])
    assert not merkle.is_consistent(old, other, new, root, proof)


@pytest.mark.parametrize("size", [1, 4, 5, 16, 23])
def test_tiles_give_the_same_tree(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With tiles of four hashes, so that several levels are used."""
    monkeypatch.setattr(tiles, "TILE_HEIGHT", 2)
    monkeypatch.setattr(tiles, "TILE_WIDTH", 4)
    store = Tiles(FolderStorage(tmp_path))
    leaves = [bytes([number]) for number in range(size)]
    for number, leaf in enumerate(leaves):
        store.append(leaf, number)

    def subtree(level: int, index: int) -> bytes:
        return store.subtree(size, level, index)

    assert merkle.root_hash(size, subtree) == naive(leaves)
    for index in range(size):
        path = merkle.inclusion_proof(index, size, subtree)
        leaf = merkle.leaf_hash(leaves[index])
        assert merkle.root_from_inclusion(leaf, index, size, path) == naive(leaves)


def test_tile_paths_follow_the_specification() -> None:
    assert tiles._encode(5) == "005"
    assert tiles._encode(1234067) == "x001/x234/067"


def test_a_signing_is_recorded_and_proved(home: Path) -> None:
    log = Log()
    proofs = [log.record(f"urn:c2pa:{number}", DIGEST) for number in range(5)]
    assert [proof.index for proof in proofs] == [0, 1, 2, 3, 4]
    for number, proof in enumerate(proofs):
        again = LogProof.parse(proof.to_text())
        assert again == proof
        assert check(again, f"urn:c2pa:{number}", DIGEST, log.key())
    assert log.checkpoint().size == 5
    assert log.audit()


def test_a_proof_belongs_to_one_signing_and_one_log(home: Path) -> None:
    log = Log()
    proof = log.record("urn:c2pa:a", DIGEST)
    assert not check(proof, "urn:c2pa:b", DIGEST, log.key())
    assert not check(proof, "urn:c2pa:a", sha256(b"other").hexdigest(), log.key())
    stranger = LogKey(log.key().name, bytes(32))
    assert not check(proof, "urn:c2pa:a", DIGEST, stranger)


def test_the_log_names_nobody_and_nothing(home: Path) -> None:
    log = Log()
    log.record("urn:c2pa:a", DIGEST)
    everything = b"".join(path.read_bytes() for path in (home / "log").rglob("*") if path.is_file())
    assert b"urn:c2pa" not in everything
    assert DIGEST.encode() not in everything
    assert entry_for("urn:c2pa:a", DIGEST, bytes(32)) not in list(log.entries())


def test_growth_is_consistent(home: Path) -> None:
    log = Log()
    heads = []
    for number in range(7):
        log.record(str(number), DIGEST)
        heads.append(log.checkpoint())
    for old in heads:
        new = heads[-1]
        proof = log.consistency(old.size, new.size)
        assert merkle.is_consistent(old.size, old.root, new.size, new.root, proof)


def test_a_changed_entry_is_noticed(home: Path) -> None:
    log = Log()
    for number in range(3):
        log.record(str(number), DIGEST)
    bundle = home / "log" / "tile" / "entries" / "000.p" / "3"
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(data)
    assert not log.audit()


def test_a_forged_checkpoint_is_refused(home: Path) -> None:
    log = Log()
    log.record("a", DIGEST)
    path = home / "log" / "checkpoint"
    path.write_text(path.read_text().replace("\n1\n", "\n2\n"))
    with pytest.raises(KeysUnavailable, match="not signed"):
        log.checkpoint()


def test_the_log_key_is_for_the_owner_only(home: Path) -> None:
    Log().key()
    assert stat.S_IMODE((home / "keys" / "log.key").stat().st_mode) == 0o600


def test_verifier_keys_round_trip(home: Path) -> None:
    key = Log().key()
    assert LogKey.parse(str(key)) == key
    for text in ("", "a+b+c", "a+b+\N{POUND SIGN}", str(key).replace("+", "-", 1), str(key)[:-4]):
        with pytest.raises(ConfigurationError):
            LogKey.parse(text)


def test_a_published_verifier_key_parses() -> None:
    """The Go checksum database's key, as its clients pin it."""
    key = LogKey.parse("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
    assert key.name == "sum.golang.org"


def test_a_checkpoint_needs_the_right_signature() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    key = LogKey("example.org/log", private.public_key().public_bytes_raw())
    checkpoint = Checkpoint("example.org/log", 3, bytes(32))
    note = sign_checkpoint(checkpoint, private)
    assert open_checkpoint(note, key) == checkpoint
    assert open_checkpoint(note.replace("\n3\n", "\n4\n"), key) is None
    assert open_checkpoint("junk", key) is None


def test_proofs_that_do_not_parse() -> None:
    for text in ("", "c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v1\nextra x\nindex y\n\n"):
        with pytest.raises(ConfigurationError):
            LogProof.parse(text)


def test_several_processes_append_without_losing_entries(home: Path) -> None:
    Log().key()
    script = (
        "from assay.provenance.transparency import Log\n"
        f"for number in range(5): Log().record(str(number), {DIGEST!r})"
    )
    workers = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(2)]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    assert Log().checkpoint().size == 10
    assert Log().audit()


def test_several_processes_append_to_one_database(
    home: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", postgres)
    assay_settings.cache_clear()
    Log().key()
    script = (
        "from assay.provenance.transparency import Log\n"
        f"for number in range(5): Log().record(str(number), {DIGEST!r})"
    )

    workers = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(2)]

    assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    proof = Log().record("last", DIGEST)
    assert proof.index == 10
    assert check(proof, "last", DIGEST, Log().key())
    assert Log().audit()
    assert not (home / "log").exists()


def test_an_interrupted_append_leaves_the_database_as_it_was(
    home: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", postgres)
    assay_settings.cache_clear()
    Log().record("first", DIGEST)

    with monkeypatch.context() as patch:
        patch.setattr("assay.provenance.transparency.sign_checkpoint", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Log().record("second", DIGEST)

    assert Log().checkpoint().size == 1
    assert Log().record("second", DIGEST).index == 1
    assert Log().audit()
