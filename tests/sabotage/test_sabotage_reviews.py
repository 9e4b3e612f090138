"""Guards of requests for a review, and of maps, taken away one at a time: what stands for each must notice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from serve.crm.places import service as places
from serve.crm.places.boxes import Box
from serve.crm.reviews import answering, service
from serve.crm.reviews.service import CONSENT, PURPOSE
from serve.identity.account_tokens.service import issue_token
from serve.identity.consents.rules import Verdict
from tests.sabotage.test_sabotage import Patch, Sabotage, instead
from tests.surface.calls import Surface
from tests.surface.operations import BY_NAME

REQUESTS = "/api/v1/review-requests"


def _person(surface: Surface) -> str:
    ground = {"key": CONSENT, "name": "Reviews", "lawful_basis": "legitimate_interests"}
    said = surface.firm.client("owner").post("/api/v1/privacy/purposes", json=ground)
    assert said.status_code in (201, 409)
    person: str = surface.make(BY_NAME["POST /api/v1/contacts"], None)["id"]
    return person


def nobody_is_asked_twice(surface: Surface) -> None:
    owner, person = surface.firm.client("owner"), _person(surface)
    assert owner.post(REQUESTS, json={"contact_id": person}).status_code == 201
    assert owner.post(REQUESTS, json={"contact_id": person}).status_code == 409


def nobody_is_asked_without_a_ground(surface: Surface) -> None:
    other = surface.firm.client("owner", surface.firm.b)
    made = other.post("/api/v1/contacts", json={"full_name": "B", "email": "b@example.org"}).json()["data"]
    assert other.post(REQUESTS, json={"contact_id": made["id"]}).status_code == 409


def a_link_of_a_request_that_was_taken_back_opens_nothing(surface: Surface) -> None:
    firm = surface.firm
    made = firm.client("owner").post(REQUESTS, json={"contact_id": _person(surface)}).json()["data"]

    async def key() -> str:
        async with firm.running.app.state.database.transaction() as db:
            known = {"tenant_id": firm.a, "subject_id": UUID(made["id"])}
            return await issue_token(db, PURPOSE, life=timedelta(hours=1), **known)

    firm.sql("update review_requests set status = 'cancelled' where id = %s", made["id"])
    said = {"token": firm.running.wait_for(key()), "rating": 1}
    assert firm.running.client().post("/api/v1/review-links", json=said).status_code == 410


def what_is_near_is_near_across_the_date_line(surface: Surface) -> None:
    owner = surface.firm.client("owner")
    spot = {"name": "Fiji", "latitude": -17.0, "longitude": 179.99}
    assert owner.post("/api/v1/locations", json=spot).status_code == 201
    asked = {"latitude": -17.0, "longitude": -179.99, "radius_m": 5000}
    assert owner.get("/api/v1/locations/nearby", params=asked).json()["data"] != []


async def _no_pause(*_: Any) -> None:
    return None


async def _may_always(*_: Any) -> Verdict:
    return Verdict(True, "nobody asked")


async def _any_request(db: Any, row_id: UUID) -> Any:
    return await service.requests.get(db, row_id, lock=True)


def _flat(latitude: float, longitude: float, radius_m: float) -> Box:
    reach = radius_m / 111_195
    return Box(longitude - reach, latitude - reach, longitude + reach, latitude + reach)


SABOTAGES = {
    "people are asked again and again": Sabotage(
        instead(service, "_check_pause", _no_pause), nobody_is_asked_twice
    ),
    "nobody asks on which ground": Sabotage(
        instead(service, "may", _may_always), nobody_is_asked_without_a_ground
    ),
    "links outlive their request": Sabotage(
        instead(answering, "_request", _any_request), a_link_of_a_request_that_was_taken_back_opens_nothing
    ),
    "the earth is flat": Sabotage(
        instead(places, "around", _flat), what_is_near_is_near_across_the_date_line
    ),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(name: str, surface: Surface, monkeypatch: Patch) -> None:
    sabotage = SABOTAGES[name]
    sabotage.check(surface)  # with the guard in its place
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)
