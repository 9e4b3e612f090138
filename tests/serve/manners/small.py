"""The layer around an application of a test's own, asked without a network."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import FastAPI

from serve.kernel import errors
from serve.kernel.layer import Layer, Manners


def layered(**manners: Any) -> FastAPI:
    """An application with the layer; add routes to it."""
    app = FastAPI(redirect_slashes=False)
    errors.install(app)
    app.state.manners = Manners(**manners)
    app.add_middleware(Layer, manners=app.state.manners)
    return app


def client_of(app: FastAPI, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)
