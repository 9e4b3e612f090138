"""The two cookies of a browser's session, neither of which scripts can read."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from serve.kernel.caller import COOKIE

REFRESH_COOKIE = "throughline_refresh"
DEVICE_COOKIE = "throughline_device"
"""Says that somebody has logged in with this browser, and nothing more: it opens nothing."""
DEVICE_LIFE_S = 400 * 86_400  # the longest that browsers allow

_PATHS = {
    COOKIE: "/",
    REFRESH_COOKIE: "/api/v1/auth",
    DEVICE_COOKIE: "/",
}  # the refresh token is sent nowhere else


def give(request: Request, response: Response, name: str, token: str, *, life_s: int) -> None:
    is_secure = request.app.state.settings.cookie_is_secure or request.url.scheme == "https"
    response.set_cookie(name, token, max_age=life_s, secure=is_secure, **_manners(name))


def take_back(response: Response) -> None:
    for name in (COOKIE, REFRESH_COOKIE):
        response.delete_cookie(name, **_manners(name))


def _manners(name: str) -> dict[str, Any]:
    return {"path": _PATHS[name], "httponly": True, "samesite": "strict"}
