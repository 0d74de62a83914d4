"""Who calls, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Scope = Literal["verify", "sign", "works", "audit", "metrics", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

ANONYMOUS_ID = "anonymous"


@dataclass(frozen=True)
class Caller:
    """The one who asks.

    Attributes:
        id: `key:<id>`, `oidc:<subject>` or `anonymous`; records carry it as their `caller`.
        scopes: what the caller may do; `admin` stands for every scope.
        session: SHA-256 of the session cookie when a person signed in on the page.
    """

    id: str
    scopes: frozenset[Scope]
    session: str | None = None

    @property
    def anonymous(self) -> bool:
        """Nobody said who this is; only on loopback."""
        return self.id == ANONYMOUS_ID

    @property
    def sees_all(self) -> bool:
        """Whether records of other callers are shown."""
        return "admin" in self.scopes

    def may(self, scope: Scope) -> bool:
        """Whether this scope was given."""
        return scope in self.scopes or "admin" in self.scopes


ANONYMOUS = Caller(ANONYMOUS_ID, frozenset(SCOPES))
