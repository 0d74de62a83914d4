"""The dependency that every operation declares: which scope its caller needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from assay.api.access.callers import Caller, Scope
from assay.api.access.errors import ScopeMissing, Unauthenticated
from assay.api.access.identifying import identify
from assay.api.access.sessions import refuse_forged

bearer = HTTPBearer(
    scheme_name="key",
    description="An API key of `assay access create`, or a token of the configured OpenID "
    "Connect issuer. A service on loopback answers without one unless `ASSAY_AUTH=required`.",
    auto_error=False,
)


def require(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """A dependency that lets callers with this scope (or `admin`) pass and gives the caller.

    `Annotated[Caller, Depends(require("verify"))]`

    Raises:
        Unauthenticated: nobody said who calls, and this service asks.
        ScopeMissing: the caller does not have the scope.
        CrossSiteRequest: a person's browser sent a change without the token of our forms.
    """

    async def permitted(
        request: Request,
        _credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
    ) -> Caller:
        caller = await known(request)
        if not caller.may(scope):
            raise ScopeMissing(
                f"this needs the scope `{scope}`", advice="ask for a key that has it"
            )
        await refuse_forged(request, caller)
        return caller

    return permitted


async def known(request: Request) -> Caller:
    """The caller.

    Raises:
        Unauthenticated: nobody said who calls, and this service asks.
    """
    caller = await identify(request)
    if caller is None:
        raise Unauthenticated(
            "this service wants to know who calls",
            advice="send `Authorization: Bearer` and an API key",
        )
    return caller
