"""What goes away says so, is counted by who still uses it, and can be given up sooner by a tenant, for real."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from fastapi import Depends, Response

import serve.app
from serve.kernel.caller import Needs
from serve.kernel.envelope import Meta, Output, Success
from serve.kernel.openapi import document
from serve.kernel.resources.words import plain
from serve.kernel.retirement import retiring
from serve.kernel.routing import area_router
from serve.platform.versions.rules import SunsetsInvalid, check_sunsets
from serve.settings import Settings
from tests.conftest import TestCluster
from tests.serve.conftest import Running
from tests.serve.firm import Firm

PAGE = "/api/v1/api/versioning/management"
OLD = "/api/v1/old/{name}"
WITHIN_S = 2.0
TODAY = datetime.now(UTC).date()
NEXT_YEAR = TODAY + timedelta(days=365)


class Answer(Output):
    word: str = "still here"


def old_router():
    """Two calls that go away: one next year, one yesterday."""
    router = area_router(tags=["old"])

    async def old(name: str) -> Response:
        """An old call."""
        return plain({"word": name})

    for path, dates in (
        (OLD, {"since": date(2026, 1, 1), "sunset": NEXT_YEAR, "successor": "/api/v1/new"}),
        ("/api/v1/gone/{name}", {"since": date(2026, 1, 1), "sunset": TODAY - timedelta(days=1)}),
    ):
        router.add_api_route(
            path,
            old,
            methods=["GET"],
            response_model=Success[Answer, Meta],
            dependencies=[Depends(Needs("self:read"))],
            name=f"{path.split('/')[3]}.call",
            **retiring(**dates),
        )
    return router


@pytest.fixture(scope="module")
def firms(pg: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Firm, Running]]:
    """A firm with two processes of a service some of whose calls go away."""
    address = pg.clone()
    settings = Settings(
        throughline_home=tmp_path_factory.mktemp("home"), database_url=address.base, background_work=False
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serve.app, "ROUTERS", (*serve.app.ROUTERS, old_router()))
        one, other = (Running(serve.app.create_app(settings)).start() for _ in range(2))
    try:
        yield Firm(one, address).settle(), other
    finally:
        one.stop()
        other.stop()
        pg.drop(address)


@pytest.fixture
def firm(firms: tuple[Firm, Running]) -> Firm:
    return firms[0]


def give_up(firm: Firm, day: date | None, role: str = "owner"):
    sunsets = [] if day is None else [{"method": "GET", "route": OLD, "sunset_on": str(day)}]
    return firm.client(role).put(PAGE, json={"sunsets": sunsets})


def sunset_of(client) -> date:
    return parsedate_to_datetime(client.get("/api/v1/old/x").headers["sunset"]).date()


def wait_until(holds, within_s: float = WITHIN_S) -> None:
    asked_at = time.monotonic()
    while not holds():
        assert time.monotonic() - asked_at < within_s
        time.sleep(0.02)


def test_the_registry(firm):
    firm.client("agent").get("/api/v1/old/x")
    firm.client("agent").get("/api/v1/old/y")
    firm.client("agent", firm.b).get("/api/v1/old/y")
    logged = "select count(*) from api_requests where route = %s"  # once a second, beside the requests
    wait_until(lambda: firm.sql(logged, OLD) == [(3,)], within_s=30)
    shown = firm.client("viewer").get(PAGE).json()["data"]
    assert (shown["current_version"], shown["deprecated_versions"]) == ("v1", [])
    assert shown["migration_path"] == {f"GET {OLD}": "/api/v1/new"}
    [old] = [each for each in shown["deprecated_calls"] if each["route"] == OLD]
    assert (old["since"], old["sunset_on"], old["own_sunset_on"]) == ("2026-01-01", str(NEXT_YEAR), None)
    assert [(each["full_name"], each["call_count"]) for each in old["users"]] == [("Agent of A", 2)]


def test_a_call_that_is_gone_for_all(firm):
    gone = firm.client().get("/api/v1/gone/x")
    assert (gone.status_code, gone.json()["error"]["code"]) == (410, "CALL_GONE")
    assert firm.client().get("/api/v1/old/x").json()["data"] == {"word": "x"}
    assert "410" in document(firm.running.app)["paths"][OLD]["get"]["responses"]


def test_a_tenant_gives_it_up_sooner_in_every_process_and_alone(firm, firms):
    token = {"Authorization": firm.client("agent").headers["authorization"]}
    there, neighbour = (
        firms[1].client(**token),
        firms[1].client(Authorization=firm.client("agent", firm.b).headers["authorization"]),
    )
    soon = TODAY + timedelta(days=7)
    assert give_up(firm, soon).json()["data"]["deprecated_calls"][0]["own_sunset_on"] == str(soon)
    wait_until(lambda: sunset_of(there) == soon)
    assert there.get("/api/v1/old/x").status_code == 200
    give_up(firm, TODAY)
    wait_until(lambda: there.get("/api/v1/old/x").status_code == 410)
    assert "/api/v1/new" in there.get("/api/v1/old/x").json()["error"]["message"]
    assert (neighbour.get("/api/v1/old/x").status_code, sunset_of(neighbour)) == (200, NEXT_YEAR)
    give_up(firm, None)
    wait_until(lambda: there.get("/api/v1/old/x").status_code == 200)
    [(row_id,)] = firm.sql("select id from api_sunsets where tenant_id = %s", firm.a)
    names = [(name, after["sunset_on"]) for name, _, after in firm.events(row_id)]
    assert names == [
        ("api_sunset.created", str(soon)),
        ("api_sunset.updated", str(TODAY)),
        ("api_sunset.updated", None),
    ]


def test_who_may_and_what(firm):
    assert give_up(firm, TODAY, "manager").status_code == 403
    for day in (NEXT_YEAR + timedelta(days=1), TODAY - timedelta(days=1)):
        refused = give_up(firm, day)
        assert refused.status_code == 422
        assert refused.json()["error"]["details"][0]["field"] == "sunsets[0].sunset_on"
    body = {"sunsets": [{"method": "GET", "route": "/api/v1/contacts", "sunset_on": str(TODAY)}]}
    assert firm.client().put(PAGE, json=body).status_code == 422


def test_named_twice():
    known = {("GET", OLD): {"sunset": str(NEXT_YEAR)}}
    check_sunsets([(("GET", OLD), TODAY)], known, TODAY)
    with pytest.raises(SunsetsInvalid):
        check_sunsets([(("GET", OLD), TODAY), (("GET", OLD), TODAY)], known, TODAY)
