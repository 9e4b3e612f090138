"""How large and how deep: the limit itself passes, one more does not."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest
from fastapi import Body, FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st

from serve.kernel.bodies import MOST_LEVELS, is_too_deep, takes_files
from tests.serve.manners.small import client_of, layered

JSON = {"Content-Type": "application/json"}


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(
    st.recursive(
        st.text('[]{}"\\ax', max_size=8) | st.integers(-9, 9),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text('[{"\\', max_size=4), inner, max_size=3)
        ),
        max_leaves=30,
    ),
    st.integers(1, 8),
)
def test_depth_is_counted_as_a_parser_would(value, most_levels):
    assert is_too_deep(orjson.dumps(value), most_levels) == (depth(value) > most_levels)


def test_broken_json_costs_no_more_than_its_length():
    assert not is_too_deep(b'"' + b"\\" * 500_000, 3)
    assert is_too_deep(b"{" * 1_000_000)
    began_s = time.process_time()
    assert not is_too_deep(b'"' + b'\\"' * 500_000 + b"[[[[[[", 3)
    assert time.process_time() - began_s < 2


@pytest.fixture
def app() -> FastAPI:
    app = layered(max_body_bytes=1_000, max_upload_bytes=5_000)

    @app.post("/api/v1/things")
    async def things(body: Any = Body(None)) -> str:  # noqa: B008
        return "taken"

    @app.post("/api/v1/things/{id}/photo")
    @takes_files
    async def take_in(id: int, request: Request) -> int:
        return len(await request.body())

    return app


async def chunks(body: bytes):
    for start in range(0, len(body), 300):
        yield body[start : start + 300]


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_depth_at_the_limit_and_one_more(app, is_chunked):
    async with client_of(app, **JSON) as client:
        for levels, expected in ((MOST_LEVELS, 200), (MOST_LEVELS + 1, 400), (400, 400)):
            body = nested(levels)
            response = await client.post("/api/v1/things", content=chunks(body) if is_chunked else body)
            assert response.status_code == expected, levels
    assert response.json()["error"]["code"] == "TOO_DEEP"


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_size_at_the_limit_and_one_more(app, is_chunked):
    async with client_of(app, **JSON) as client:
        for size, path, expected in (
            (1_000, "things", 200),
            (1_001, "things", 413),
            (5_000, "things/7/photo", 200),
            (5_001, "things/7/photo", 413),
        ):
            body = b'"' + b"x" * (size - 2) + b'"'
            response = await client.post(f"/api/v1/{path}", content=chunks(body) if is_chunked else body)
            assert response.status_code == expected, (size, path)
    assert response.json()["error"]["code"] == "BODY_TOO_LARGE"


async def test_a_length_that_is_no_number_is_no_failure_of_ours(app):
    async with client_of(app, **JSON) as client:
        response = await client.post("/api/v1/things", content=b"[]", headers={"Content-Length": "2x"})
    assert response.status_code < 500
