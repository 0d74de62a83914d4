"""API keys: made, listed, rotated, revoked, and recognised."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from assay.api.access.callers import SCOPES, Caller, Scope
from assay.api.access.errors import KeyRefused, UnknownKey
from assay.api.access.hashing import VerifiedSecrets, hash_secret
from assay.api.access.key_text import KeyText
from assay.api.access.schema import api_keys, sessions

ROTATION_GRACE = timedelta(hours=24)  # enough to deploy the new secret everywhere
LAST_USE_STEP = timedelta(minutes=1)  # last use is written no more often than this

_verified = VerifiedSecrets()


@dataclass(frozen=True)
class ApiKey:
    """What is known about a key; its secret is not."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    last_used: datetime | None
    previous_until: datetime | None

    @property
    def active(self) -> bool:
        """Neither revoked nor expired."""
        expired = self.expires is not None and self.expires <= datetime.now(UTC)
        return self.revoked is None and not expired

    def caller(self, *, session: str | None = None) -> Caller:
        """Whoever uses this key."""
        return Caller(f"key:{self.id}", frozenset(self.scopes), session)


class KeyStore:
    """The API keys of one service database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def create(
        self, name: str, scopes: Collection[str], *, expires: datetime | None = None
    ) -> tuple[ApiKey, str]:
        """A new key and its written form, which is not kept.

        Raises:
            KeyRefused: no scope, an unknown scope, an unusable name, or an expiry in the past.
        """
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise KeyRefused(
                f"unknown scope {unknown[0]!r}" if unknown else "a key needs a scope",
                advice=f"scopes are {', '.join(SCOPES)}",
            )
        if not 1 <= len(name) <= 200 or not name.isprintable():
            raise KeyRefused("the name of a key has 1 to 200 printable characters")
        if expires is not None and expires <= datetime.now(UTC):
            raise KeyRefused("the key would have expired already")
        text = KeyText.new()
        row = {
            "id": text.id,
            "name": name,
            "scopes": [scope for scope in SCOPES if scope in scopes],
            "secret_hash": hash_secret(text.secret),
            "created": time.time(),
            "expires": expires.timestamp() if expires else None,
        }
        with self._engine.begin() as connection:
            connection.execute(api_keys.insert(), row)
        return self.get(text.id), text.written()

    def get(self, key_id: str) -> ApiKey:
        """One key.

        Raises:
            UnknownKey: there is none with this id.
        """
        row = self._row(key_id)
        if row is None:
            raise UnknownKey(f"no API key {key_id!r}")
        return _key(row)

    def list(self) -> list[ApiKey]:
        """Every key, revoked ones too, oldest first."""
        query = sa.select(api_keys).order_by(api_keys.c.created, api_keys.c.id)
        with self._engine.connect() as connection:
            return [_key(row) for row in connection.execute(query).mappings()]

    def any_active(self) -> bool:
        """Whether anyone can sign in."""
        return any(key.active for key in self.list())

    def rotate(self, key_id: str, *, grace: timedelta = ROTATION_GRACE) -> tuple[ApiKey, str]:
        """A new secret; the present one works until the grace period is over.

        Raises:
            UnknownKey: there is none with this id.
            KeyRefused: it is revoked or expired.
        """
        key = self.get(key_id)
        if not key.active:
            raise KeyRefused(f"API key {key_id} is revoked or expired", advice="create a new one")
        text = KeyText.new(key_id)
        values = {
            "previous_hash": api_keys.c.secret_hash,
            "previous_until": time.time() + grace.total_seconds(),
            "secret_hash": hash_secret(text.secret),
        }
        self._update(key_id, values)
        return self.get(key_id), text.written()

    def revoke(self, key_id: str) -> ApiKey:
        """From the next request on the key and every session of it is refused.

        Raises:
            UnknownKey: there is none with this id.
        """
        if self.get(key_id).revoked is None:
            self._update(key_id, {"revoked": time.time(), "previous_hash": None})
        with self._engine.begin() as connection:
            connection.execute(sessions.delete().where(sessions.c.key_id == key_id))
        return self.get(key_id)

    def recognise(self, written: str, *, remembered: bool = False) -> ApiKey | None:
        """The active key that this is the written form of.

        Args:
            remembered: only one that this process has recognised before, without argon2.
        """
        text = KeyText.parse(written)
        row = self._row(text.id) if text else None
        if text is None or row is None or not _key(row).active:
            return None
        matches = _verified.remembers if remembered else _verified.matches
        if not matches(text.secret, _valid_hashes(row)):
            return None
        return self._used(_key(row))

    def _used(self, key: ApiKey) -> ApiKey:
        """Note the use of a key."""
        if key.last_used is None or datetime.now(UTC) - key.last_used >= LAST_USE_STEP:
            self._update(key.id, {"last_used": time.time()})
        return key

    def _row(self, key_id: str) -> sa.RowMapping | None:
        query = sa.select(api_keys).where(api_keys.c.id == key_id)
        with self._engine.connect() as connection:
            return connection.execute(query).mappings().first()

    def _update(self, key_id: str, values: dict[str, Any]) -> None:
        with self._engine.begin() as connection:
            connection.execute(api_keys.update().where(api_keys.c.id == key_id).values(**values))


def _valid_hashes(row: sa.RowMapping) -> list[str]:
    """The hash of the secret, and within its grace period that of the one before."""
    graced = row["previous_hash"] is not None and row["previous_until"] > time.time()
    return [row["secret_hash"], row["previous_hash"]] if graced else [row["secret_hash"]]


def _key(row: sa.RowMapping) -> ApiKey:
    return ApiKey(
        id=row["id"],
        name=row["name"],
        scopes=tuple(row["scopes"]),
        created=datetime.fromtimestamp(row["created"], UTC),
        expires=_moment(row["expires"]),
        revoked=_moment(row["revoked"]),
        last_used=_moment(row["last_used"]),
        previous_until=_moment(row["previous_until"]),
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
