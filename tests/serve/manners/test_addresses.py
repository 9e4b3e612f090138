"""Other names of an address, and calls that will go away."""

from __future__ import annotations

from datetime import date
from email.utils import parsedate_to_datetime

import pytest
from fastapi import Request
from pydantic import BaseModel

from serve.kernel.openapi import document
from serve.kernel.retirement import retiring
from tests.serve.manners.small import client_of, layered


class Answer(BaseModel):
    word: str = "old"


@pytest.fixture
def app():
    app = layered()

    @app.api_route("/api/v1/echo/{name}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def echo(name: str, request: Request) -> dict:
        return {
            "method": request.method,
            "name": name,
            "query": request.url.query,
            "body": (await request.body()).decode(),
        }

    dates = {"since": date(2026, 3, 1), "sunset": date(2027, 3, 1), "successor": "/api/v1/new"}

    @app.get("/api/v1/old", response_model=Answer, **retiring(**dates))
    async def old() -> Answer:
        """An old call."""
        return Answer()

    @app.get("/api/v1/new", response_model=Answer)
    async def new() -> Answer:
        """The new call."""
        return Answer(word="new")

    return app


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_the_name_without_a_version_keeps_method_query_and_body(app, method):
    async with client_of(app) as client:
        response = await client.request(method, "/api/echo/x?a=1&bB=2&a=%20", content=b'{"k": 1}')
    assert response.json() == {"method": method, "name": "x", "query": "a=1&b_b=2&a=%20", "body": '{"k": 1}'}
    assert response.headers["link"] == '</api/v1/echo/x>; rel="canonical"'


async def test_a_parameter_with_a_hump_stays_one_parameter_of_an_address(app):
    """Whatever is in its name: servers read the query string as ASCII, and ``&`` and ``=`` have a meaning in it."""
    async with client_of(app) as client:
        response = await client.get("/api/v1/echo/x?%C3%A9xA%26b%3Dc=1")
    assert response.json()["query"] == "%C3%A9x_a%26b%3Dc=1"


async def test_the_canonical_name_says_nothing_of_itself(app):
    async with client_of(app) as client:
        assert "link" not in (await client.get("/api/v1/echo/x")).headers


async def test_no_address_writes_a_header_of_its_own(app):
    async with client_of(app) as client:
        response = await client.get("/api/echo/x%0d%0aSet-Cookie:%20a=b%3E;%22")
    assert response.headers["link"] == '</api/v1/echo/x%0D%0ASet-Cookie%3A%20a%3Db%3E%3B%22>; rel="canonical"'
    assert "set-cookie" not in response.headers


async def test_a_call_that_goes_away_says_so_in_every_answer(app):
    async with client_of(app) as client:
        old, new = await client.get("/api/v1/old"), await client.get("/api/v1/new")
        refused = await client.post("/api/v1/old")
    assert old.headers["deprecation"] == "@1772323200"
    assert parsedate_to_datetime(old.headers["sunset"]).date() == date(2027, 3, 1)
    assert old.headers["link"] == '</api/v1/new>; rel="successor-version"'
    assert refused.headers["sunset"] == old.headers["sunset"]
    assert {"deprecation", "sunset", "link"}.isdisjoint(new.headers)


async def test_the_document_says_it_too(app):
    app.router.routes[:] = [route for route in app.routes if getattr(route, "name", "") in ("old", "new")]
    paths = document(app)["paths"]
    old, new = (paths[f"/api/v1/{name}"]["get"] for name in ("old", "new"))
    assert old["deprecated"] is True
    assert "gone from 2027-03-01 on. Use `/api/v1/new` instead." in old["description"]
    assert set(old["responses"]["200"]["headers"]) == {"Deprecation", "Sunset"}
    assert "deprecated" not in new
    assert {"429", "504"} <= set(new["responses"])


def test_gone_before_it_was_deprecated():
    with pytest.raises(ValueError):
        retiring(since=date(2027, 1, 1), sunset=date(2026, 1, 1))
