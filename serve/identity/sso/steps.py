"""The steps of a browser on its way through a sign-in: whoever reads pages is told on a page why they are not in."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from serve.kernel.errors import Invalid, Malformed, Problem

PAGE = "/account"
_FOR_PROGRAMS = frozenset({"application/json", "application/problem+json"})


class Step(APIRoute):
    """A route that people are led to. Programs get its refusals as ever.

    A browser is led on to ``/account#refused=CODE/request-id``. Behind ``#`` no server on the way writes it down, and
    there is no word of a provider in it: the page knows the codes, and has the sentences itself.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except (HTTPException, RequestValidationError) as error:
                if not _reads_pages(request):
                    raise
                if isinstance(error, Problem):
                    error.note(request)
                return lead(f"{PAGE}#refused={_code(error)}/{request.state.request_id}")

        return handle


def lead(url: str) -> Response:
    """Go on there."""
    headers = {"Location": url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(None, 303, headers)


def _reads_pages(request: Request) -> bool:
    """A browser that goes somewhere asks for HTML by name; scripts and other programs for JSON, or for anything."""
    asked = ",".join(request.headers.getlist("accept")).lower().split(",")
    kinds = {kind.partition(";")[0].strip() for kind in asked}
    return "text/html" in kinds and kinds.isdisjoint(_FOR_PROGRAMS)


def _code(error: HTTPException | RequestValidationError) -> str:
    if isinstance(error, Problem):
        return error.code
    return Invalid.code if isinstance(error, RequestValidationError) else Malformed.code
