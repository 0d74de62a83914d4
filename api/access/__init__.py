"""Who may call the service: API keys with scopes, OpenID Connect tokens, sessions of people.

    caller: Annotated[Caller, Depends(require("verify"))]

Records carry `caller.id`; `caller.sees_all` lifts that limit. `csrf_token(request)` goes into
every form of a page.
"""

from __future__ import annotations

from assay.api.access.callers import SCOPES, Caller, Scope
from assay.api.access.requiring import require
from assay.api.access.sessions import csrf_token

__all__ = ["SCOPES", "Caller", "Scope", "csrf_token", "require"]
