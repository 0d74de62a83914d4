"""Errors of pages, as pages."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from assay.api import problems
from assay.api.access.errors import Unauthenticated
from assay.api.pages.rendering import page
from assay.errors import AssayError


class PageRoute(APIRoute):
    """The route class of pages: what is refused is told in words, strangers are led to sign in."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler that catches what the route refuses."""
        plain = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await plain(request)
            except Unauthenticated:
                back = request.url.path if request.method in ("GET", "HEAD") else "/"
                address = f"{problems.SIGN_IN}?next={quote(back, safe='/')}"
                return RedirectResponse(address, 303)
            except AssayError as error:
                return told(request, problems.document(error))
            except RequestValidationError:
                return told(
                    request,
                    {
                        "status": 422,
                        "title": "The form is not valid",
                        "detail": "something in the form is missing or has an unusable value",
                        "advice": "go back and look at the fields",
                    },
                )
            except HTTPException as error:
                detail = str(error.detail)
                problem = {"status": error.status_code, "title": "Not possible", "detail": detail}
                return told(request, problem)

        return handler


def told(request: Request, problem: dict[str, Any]) -> Response:
    """A problem document as a page."""
    return page(
        request,
        "problem.html",
        "",
        status=problem["status"],
        code=problem["status"],
        title=problem["title"],
        detail=problem["detail"],
        advice=problem.get("advice"),
    )
