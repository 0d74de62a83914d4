"""An append-only log of what was signed here, that nobody can rewrite unnoticed.

An entry is a salted hash of the manifest label and the file's hash: without the receipt,
which holds the salt, it says nothing about anyone's picture. A receipt carries its proof of
inclusion, which is checked offline against the log's public key.

Storage is C2SP tlog-tiles; proofs are https://c2sp.org/tlog-proof texts.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assay.errors import ConfigurationError, KeysUnavailable, OutputRefused
from assay.provenance import keys, merkle
from assay.provenance.log_storage import LogStorage, log_storage
from assay.provenance.notes import Checkpoint, LogKey, open_checkpoint, sign_checkpoint
from assay.provenance.tiles import TILE_WIDTH, Tiles
from assay.settings import settings

_ENTRY_PREFIX = b"assay signing v1\n"
_PROOF_HEADER = "c2sp.org/tlog-proof@v1"
_SALT_BYTES = 32
LOG_KEY = "log.key"


@dataclass(frozen=True)
class LogProof:
    """Proof that one signing is in the log.

    Attributes:
        index: number of the entry.
        salt: what the entry was salted with; whoever has it can recognise the entry.
        hashes: audit path.
        checkpoint: signed note of the tree that the path leads to.
    """

    index: int
    salt: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str

    def to_text(self) -> str:
        """As a tlog-proof; the salt is its `extra` line."""
        lines = [_PROOF_HEADER, f"extra {_encode(self.salt)}", f"index {self.index}"]
        lines += [_encode(node) for node in self.hashes]
        return "\n".join(lines) + "\n\n" + self.checkpoint

    @classmethod
    def parse(cls, text: str) -> LogProof:
        """Read a tlog-proof.

        Raises:
            ConfigurationError: it is none.
        """
        head, _, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        try:
            header, extra, index, *hashes = lines
            if header != _PROOF_HEADER or extra[:6] != "extra " or index[:6] != "index ":
                raise ValueError("not a tlog-proof")
            nodes = tuple(base64.b64decode(line, validate=True) for line in hashes)
            salt = base64.b64decode(extra[6:], validate=True)
            return cls(int(index[6:]), salt, nodes, checkpoint)
        except (ValueError, binascii.Error) as error:
            raise ConfigurationError("the log proof does not parse") from error


def entry_for(label: str, digest: str, salt: bytes) -> bytes:
    """The log entry of one signing.

    Args:
        label: manifest label.
        digest: hex SHA-256 of the signed file.
        salt: 32 random bytes.
    """
    commitment = sha256(salt + label.encode() + b"\n" + bytes.fromhex(digest)).hexdigest()
    return _ENTRY_PREFIX + commitment.encode()


def check(proof: LogProof, label: str, digest: str, key: LogKey) -> bool:
    """Whether a proof shows that this signing is in the log of `key`. Needs no network."""
    checkpoint = open_checkpoint(proof.checkpoint, key)
    if checkpoint is None:
        return False
    leaf = merkle.leaf_hash(entry_for(label, digest, proof.salt))
    root = merkle.root_from_inclusion(leaf, proof.index, checkpoint.size, proof.hashes)
    return root == checkpoint.root


class Log:
    """The log of this machine, or of all machines that share its database and its key.

    Args:
        storage: default: what the settings name.
    """

    def __init__(self, storage: LogStorage | None = None) -> None:
        self._storage = storage or log_storage()
        self._tiles = Tiles(self._storage)

    def record(self, label: str, digest: str) -> LogProof:
        """Append one signing and prove it.

        Raises:
            OutputRefused: the log cannot be written.
        """
        salt = secrets.token_bytes(_SALT_BYTES)
        with self._storage.locked():
            key = _private_key()
            before = self.checkpoint()
            self._tiles.append(entry_for(label, digest, salt), before.size)
            size = before.size + 1
            after = Checkpoint(before.origin, size, self._root(size))
            note = sign_checkpoint(after, key)
            self._storage.write("checkpoint", note.encode())
        return LogProof(before.size, salt, tuple(self.inclusion(before.size, size)), note)

    def checkpoint(self) -> Checkpoint:
        """The latest tree head.

        Raises:
            KeysUnavailable: the stored one is not signed by this machine's key.
        """
        key = self.key()
        note = self._storage.read("checkpoint")
        if note is None:
            return Checkpoint(key.name, 0, self._root(0))
        checkpoint = open_checkpoint(note.decode(), key)
        if checkpoint is None:
            raise KeysUnavailable(
                "the log's checkpoint is not signed by the log key of this machine"
            )
        return checkpoint

    def key(self) -> LogKey:
        """The public key that verifiers need."""
        public = _private_key().public_key().public_bytes_raw()
        return LogKey(f"assay.invalid/log/{sha256(public).hexdigest()[:16]}", public)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Audit path of an entry in a tree of `size` entries."""
        return merkle.inclusion_proof(index, size, self._subtree(size))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Proof that the tree of `new` entries extends that of `old` entries."""
        return merkle.consistency_proof(old, new, self._subtree(new))

    def entries(self) -> Iterator[bytes]:
        """Every entry, for monitors."""
        size = self.checkpoint().size
        for number in range(-(-size // TILE_WIDTH)):
            width = min(TILE_WIDTH, size - number * TILE_WIDTH)
            yield from self._tiles.entries(number, width)

    def audit(self) -> bool:
        """Recompute the root from the entries: whether no entry was changed or removed."""
        leaves = [merkle.leaf_hash(entry) for entry in self.entries()]
        return merkle.root_hash(len(leaves), _from_leaves(leaves)) == self.checkpoint().root

    def _root(self, size: int) -> bytes:
        return merkle.root_hash(size, self._subtree(size))

    def _subtree(self, size: int) -> merkle.Subtree:
        return lambda level, index: self._tiles.subtree(size, level, index)


def _from_leaves(leaves: list[bytes]) -> merkle.Subtree:
    def subtree(level: int, index: int) -> bytes:
        if level == 0:
            return leaves[index]
        return merkle.node_hash(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1))

    return subtree


def _private_key() -> Ed25519PrivateKey:
    """The log's signing key, made on first use.

    Raises:
        KeysUnavailable: the file holds no such key.
    """
    path = settings().keys_folder / LOG_KEY
    if not path.exists():
        try:
            keys.write_new(path, Ed25519PrivateKey.generate().private_bytes_raw())
        except OutputRefused:
            if not path.exists():  # else another process was first
                raise
    try:
        return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
    except (OSError, ValueError) as error:
        raise KeysUnavailable(f"{path}: {error}") from error


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
