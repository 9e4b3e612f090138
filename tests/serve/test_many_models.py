"""More query models than FastAPI has room for."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Query
from pydantic import create_model

from serve.kernel.routing import area_router


def test_a_document_of_three_hundred_query_models_is_whole():
    app, router = FastAPI(), area_router()
    for number in range(300):
        model: Any = create_model(f"Asked{number}", word=(str, "x"))

        def answer(asked: Any = Query()) -> None: ...

        answer.__annotations__["asked"] = model
        router.add_api_route(f"/{number}", answer, response_model=None)
    app.include_router(router)
    assert len(app.openapi()["paths"]) == 300
