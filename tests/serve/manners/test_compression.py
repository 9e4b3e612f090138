"""Smaller answers for who asks, the same answers for everybody."""

from __future__ import annotations

import gzip

import pytest
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse

from serve.kernel.etag import matches
from tests.serve.manners.small import client_of, layered

TEXT = b'{"word": "' + b"the same again and again " * 400 + b'"}'
ASKS = {"Accept-Encoding": "gzip"}


@pytest.fixture
def app() -> FastAPI:
    app = layered()

    async def parts(kind: bytes):
        for number in range(200):
            yield kind * 20 + b" %d\n" % number

    app.get("/api/v1/large")(lambda: Response(TEXT, media_type="application/json", headers={"ETag": '"v1"'}))
    app.get("/api/v1/huge")(lambda: Response(TEXT * 20, media_type="application/json"))
    app.get("/api/v1/small")(lambda: Response(b"{}" + b" " * 1_021, media_type="application/json"))
    app.get("/api/v1/enough")(lambda: Response(b"{}" + b" " * 1_022, media_type="application/json"))
    app.get("/api/v1/picture")(lambda: Response(TEXT, media_type="image/png"))
    app.get("/api/v1/packed")(
        lambda: Response(gzip.compress(TEXT), headers={"Content-Encoding": "gzip"}, media_type="text/csv")
    )
    app.get("/api/v1/part")(lambda: Response(TEXT, 206, {"Content-Range": "bytes 0-9/99"}, "text/csv"))
    app.get("/api/v1/lines")(lambda: StreamingResponse(parts(b"line"), media_type="application/x-ndjson"))
    app.get("/api/v1/events")(lambda: StreamingResponse(parts(b"data"), media_type="text/event-stream"))
    app.get("/api/v1/auth/secret")(lambda: Response(TEXT, media_type="application/json"))
    return app


@pytest.mark.parametrize("name", ["large", "huge", "enough", "lines", "packed"])
async def test_unpacked_it_is_what_everybody_gets(app, name):
    async with client_of(app, **{"Accept-Encoding": "identity"}) as plain, client_of(app, **ASKS) as asking:
        packed, whole = await asking.get(f"/api/v1/{name}"), await plain.get(f"/api/v1/{name}")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == (TEXT if name == "packed" else whole.content)
    if "content-length" in packed.headers:
        assert int(packed.headers["content-length"]) < len(whole.content) or name == "packed"
    assert "Accept-Encoding" in packed.headers["vary"]
    assert "Accept-Encoding" in whole.headers["vary"]


@pytest.mark.parametrize("name", ["small", "picture", "part", "events", "auth/secret"])
async def test_what_gains_nothing_or_must_not_wait_stays_as_it_is(app, name):
    async with client_of(app, **ASKS) as client:
        assert "content-encoding" not in (await client.get(f"/api/v1/{name}")).headers


async def test_only_for_who_asks(app):
    for asked in ("identity", "br", "gzip;q=0", "deflate, gzip;q=0.0"):
        async with client_of(app, **{"Accept-Encoding": asked}) as client:
            assert "content-encoding" not in (await client.get("/api/v1/large")).headers


async def test_its_name_is_weak_and_still_known(app):
    async with client_of(app, **ASKS) as client:
        response = await client.get("/api/v1/large")
    assert response.headers["etag"] == 'W/"v1"'
    assert matches(response.headers["etag"], '"v1"')


def test_conditional_requests_of_the_service(shared_service):
    client = shared_service.caller()
    client.headers["Accept-Encoding"] = "gzip"
    first = client.get("/api/v1/dashboard/metrics")
    assert first.headers["content-encoding"] == "gzip"
    again = client.get("/api/v1/dashboard/metrics", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = client.head("/api/v1/dashboard/metrics")
    assert head.headers["content-length"] == first.headers["content-length"]
