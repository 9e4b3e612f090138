"""Guards of what a customer has accepted, taken away one at a time: each is noticed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from serve.crm.quotes import converting, deciding, service
from tests.sabotage.test_sabotage import Patch, Sabotage, instead, sql
from tests.surface.calls import Surface
from tests.surface.needs.quotes import QUOTES, key_of, sent

TOTAL_CENTS = 285_600


def accept(surface: Surface, key: str, total_cents: int = TOTAL_CENTS) -> httpx.Response:
    asked: dict[str, Any] = {"token": key, "name": "Ada Byron", "total_cents": total_cents}
    return surface.http.post(f"{QUOTES}/link/accept", json=asked)


def newest(surface: Surface) -> str:
    ((row_id,),) = surface.firm.sql("select id from quotes order by created_at desc limit 1")
    return str(row_id)


def what_was_replaced_decides_nothing(surface: Surface) -> None:
    key, owner = key_of(surface), surface.firm.client()
    assert owner.post(f"{QUOTES}/{newest(surface)}/send", json={}).is_success
    assert accept(surface, key).status_code == 410


def what_is_over_decides_nothing(surface: Surface) -> None:
    key = key_of(surface)
    surface.firm.sql("update quotes set expires_at = now() where id = %s", newest(surface))
    assert accept(surface, key).status_code == 410


def nobody_accepts_another_total(surface: Surface) -> None:
    assert accept(surface, key_of(surface), 1).status_code == 409


def it_becomes_one_job(surface: Surface) -> None:
    row_id, owner = sent(surface, None)["id"], surface.firm.client()
    assert owner.post(f"{QUOTES}/{row_id}/accept", json={"name": "Ada Byron"}).is_success
    statuses = [owner.post(f"{QUOTES}/{row_id}/convert", json={}).status_code for _ in range(2)]
    assert statuses == [200, 409]


def what_was_accepted_stays(surface: Surface) -> None:
    row_id, owner = sent(surface, None)["id"], surface.firm.client()
    assert owner.post(f"{QUOTES}/{row_id}/accept", json={"name": "Ada Byron"}).is_success
    assert owner.patch(f"{QUOTES}/{row_id}", json={"discount_cents": 1}).status_code == 409


def no_number_twice(surface: Surface) -> None:
    for _ in range(2):
        sent(surface, None)
    ((numbers, all_of_them),) = surface.firm.sql("select count(distinct number), count(*) from quotes")
    assert numbers == all_of_them


async def always_one(db: Any, series: str) -> str:
    return f"{series}-1"


def looks_away(*given: Any, **named: Any) -> None:
    return None


SABOTAGES = {
    "a link of before decides": Sabotage(
        instead(deciding, "_check_link", looks_away), what_was_replaced_decides_nothing
    ),
    "time does not pass": Sabotage(
        instead(deciding, "is_open", lambda quote, now: True), what_is_over_decides_nothing
    ),
    "totals differ": Sabotage(
        instead(deciding, "with_choice", lambda document, positions: {"total_cents": 1}),
        nobody_accepts_another_total,
    ),
    "twice is once": Sabotage(instead(converting, "check_convertible", looks_away), it_becomes_one_job),
    "what is decided is open": Sabotage(instead(service.quotes, "rule", looks_away), what_was_accepted_stays),
    "numbers repeat": Sabotage(
        lambda surface, patch: (
            sql("alter table quotes drop constraint quotes_tenant_id_number_key")(surface, patch),
            patch.setattr(service, "next_number", always_one),
        )[1],
        no_number_twice,
    ),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    sabotage = SABOTAGES[name]
    sabotage.check(surface)
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)
