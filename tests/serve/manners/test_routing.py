"""The tree in front of the table changes how fast a route is found, never which."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Match, Mount, Route

from serve.kernel import errors
from serve.kernel.routing import add_routes, index_routes

PATHS = """
/ // /items /items/ /items// /items/7 /items/7/ /items/seven /items/7/parts /items/7/parts/3 /items/7/parts/x
/items/search /items/search/ /items/search/deep /items/0192f0c1-7d3a-7b6e-9c0e-5f1f6f0f6a01 /items/%37 /items/a%2Fb
/items/a%20b /things/1.5 /things/x /things/1.5/x /files/a /files/a/b/c /files/ /files /files// /v1/c-2/z /v1/c-/z
/v/c-2/z /vx/c-2/zz /both/1 /both/x /both/1/x /asset /asset/ /asset/a/b /asset/nothing /nested/deep/1 /nested/deep/x
/nested /nested/ /nested/other /slash/ /slash /yield /yield/2 /broken /teapot /nothing /nothing/at/all /ITEMS
/items/7?x=1 /items/search?q=2 /names/go /names /typed?number=x /typed?number=3 /only-post /only-post/ /caf%C3%A9
/caf%C3%A9/ /items/7/parts/3/4/5/6
""".split()  # noqa: SIM905 - a list of words reads better
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE")


async def number(request: Request) -> int:
    return int(request.query_params.get("number", 0))


async def opened():
    yield "open"


def told(name: str):
    """An endpoint that tells that it was this one, and what it was given."""

    async def endpoint(request: Request) -> dict[str, object]:
        given = {key: f"{value!r}" for key, value in request.path_params.items()}
        return {"endpoint": name, "given": given, "route": request.scope["route"].path}

    return endpoint


def firm_of_routes(*, redirect_slashes: bool) -> FastAPI:
    app = FastAPI(redirect_slashes=redirect_slashes)
    errors.install(app)
    router = APIRouter()
    router.get("/")(told("home"))
    router.get("/items/search")(told("search"))
    router.post("/items/search")(told("search by body"))
    router.get("/items")(told("list"))
    router.post("/items")(told("create"))
    router.get("/items/{id:int}")(told("by number"))
    router.get("/items/{id}")(told("by word"))
    router.patch("/items/{id}")(told("patch"))
    router.delete("/items/{id:uuid}")(told("delete"))
    router.get("/items/{id}/parts/{part:int}")(told("part"))
    router.get("/items/{id}/parts")(told("parts"))
    router.get("/things/{size:float}")(told("size"))
    router.get("/files/{path:path}")(told("file"))
    router.put("/files/{path:path}")(told("keep"))
    router.get("/v{n}/c-{m}/z")(told("compound"))
    router.get("/both/{n:int}")(told("first wins"))
    router.get("/both/{s}")(told("second"))
    router.get("/slash/")(told("with a slash"))
    router.post("/only-post")(told("only post"))
    router.get("/names/go")(told("names"))
    router.get("/café")(told("accents"))

    @router.get("/typed")
    async def typed(number: int) -> int:
        return number

    @router.get("/yield/{n}")
    async def opens(
        n: int, word: Annotated[str, Depends(opened)], also: Annotated[int, Depends(number)]
    ) -> list:
        return [n, word, also]

    @router.get("/teapot")
    async def teapot() -> Response:
        raise errors.Conflict("short and stout")

    add_routes(app, [router])
    sub = FastAPI()
    sub.get("/deep/{n:int}")(told("nested"))
    app.mount("/nested", sub)
    app.mount("/asset", Starlette(routes=[Route("/a/b", lambda request: PlainTextResponse("asset"))]))
    return app


async def answers(app: FastAPI) -> dict[tuple[str, str], tuple]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        found = {}
        for path in PATHS:
            for method in METHODS:
                response = await client.request(method, path)
                kept = {name: response.headers.get(name) for name in ("allow", "location", "content-type")}
                found[method, path] = (response.status_code, kept, response.content)
        return found


@pytest.mark.parametrize("redirect_slashes", [False, True])
async def test_every_answer_is_that_of_the_plain_table(redirect_slashes):
    plain, indexed = (firm_of_routes(redirect_slashes=redirect_slashes) for _ in range(2))
    index_routes(indexed)
    expected, found = await answers(plain), await answers(indexed)
    assert len(expected) > 450
    assert {answer[0] for answer in expected.values()} >= {200, 404, 405, 409, 422}
    for asked, (status, headers, body) in expected.items():
        if status == 405:  # the one difference: all methods of the path, not only those of the first route
            assert set(headers["allow"].split(", ")) <= set(found[asked][1]["allow"].split(", ")), asked
            headers["allow"] = found[asked][1]["allow"]
        assert found[asked] == (status, headers, body), asked


async def test_allow_names_all_methods_of_the_path():
    app = firm_of_routes(redirect_slashes=False)
    index_routes(app)
    found = await answers(app)
    assert found["PUT", "/items"][1]["allow"] == "GET, HEAD, POST"
    assert found["PUT", "/items/seven"][1]["allow"] == "GET, HEAD, PATCH"
    assert (
        found["PUT", "/items/0192f0c1-7d3a-7b6e-9c0e-5f1f6f0f6a01"][1]["allow"] == "DELETE, GET, HEAD, PATCH"
    )
    assert found["PURGE", "/only-post"][1]["allow"] == "POST"


async def test_words_outrank_parameters_in_any_order_of_registration():
    app = FastAPI()

    @app.get("/contacts/{id}")
    async def one(id: UUID) -> str:
        return "one"

    @app.get("/contacts/{id}/{part}")
    async def part(id: UUID, part: str) -> str:
        return "part"

    app.get("/contacts/stats")(told("stats"))
    app.get("/contacts/{id}/history")(told("history"))
    app.get("/{area}/stats/{part}")(told("area"))
    index_routes(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/contacts/stats")).json()["endpoint"] == "stats"
        assert (await client.get("/contacts/x/history")).json()["endpoint"] == "history"
        assert (await client.get("/fleet/stats/x")).json()["endpoint"] == "area"
        assert (await client.get("/contacts/not-an-id")).status_code == 422
        assert (await client.delete("/contacts/stats")).headers["allow"] == "GET, HEAD"


async def test_a_host_still_chooses():
    app = FastAPI()
    app.get("/x")(told("x"))
    app.router.routes.append(
        Host("other.example", Starlette(routes=[Route("/y", lambda _: PlainTextResponse("y"))]))
    )
    app.router.routes.append(Mount("", Starlette(routes=[Route("/z", lambda _: PlainTextResponse("z"))])))
    index_routes(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/x")).json()["endpoint"] == "x"
        assert (await client.get("/y", headers={"Host": "other.example"})).text == "y"
        assert (await client.get("/z")).text == "z"


def test_a_late_route_fails_loudly():
    app = FastAPI()
    index_routes(app)
    with pytest.raises(AttributeError):
        app.get("/late")(told("late"))


class Counted(APIRoute):
    checks = 0

    def matches(self, scope) -> tuple[Match, dict]:
        Counted.checks += 1
        return super().matches(scope)


async def test_600_routes_need_no_more_looks_than_a_few():
    app = FastAPI()
    router = APIRouter(route_class=Counted)
    for n in range(150):
        router.get(f"/api/v1/area{n % 12}/thing{n}")(told("list"))
        router.post(f"/api/v1/area{n % 12}/thing{n}")(told("create"))
        router.get(f"/api/v1/area{n % 12}/thing{n}/{{id}}")(told("get"))
        router.patch(f"/api/v1/area{n % 12}/thing{n}/{{id}}")(told("patch"))
    add_routes(app, [router])
    index_routes(app)
    looks = {}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:

        async def ask(method: str, path: str, status: int) -> None:
            Counted.checks = 0
            assert (await client.request(method, path)).status_code == status
            looks[method, path] = Counted.checks

        for n in range(150):
            for method, path in (("GET", ""), ("POST", ""), ("GET", "/7"), ("PATCH", "/7")):
                await ask(method, f"/api/v1/area{n % 12}/thing{n}{path}", 200)
        assert len(looks) == 600
        assert set(looks.values()) == {1}
        looks.clear()
        await ask("GET", "/api/v1/area3/thing3/7/8", 404)
        await ask("GET", "/nothing" * 300, 404)
        assert set(looks.values()) == {0}
        await ask("PUT", "/api/v1/area3/thing3/7", 405)
        assert looks["PUT", "/api/v1/area3/thing3/7"] <= 8
