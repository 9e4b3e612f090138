"""Guards of what is paid, taken away one at a time: each is noticed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from serve.finance.payments import rules, service
from tests.sabotage.test_sabotage import Patch, Sabotage, instead
from tests.surface.calls import Surface
from tests.surface.needs.finance import INVOICES, PAYMENTS, TOTAL_CENTS, sent


def pay(surface: Surface, invoice: str, cents: int) -> httpx.Response:
    body = {"invoice_id": invoice, "amount_cents": cents, "method": "cash"}
    return surface.firm.client().post(PAYMENTS, json=body)


def never_more_than_is_open(surface: Surface) -> None:
    invoice = sent(surface, None)["id"]
    assert pay(surface, invoice, TOTAL_CENTS - 1).status_code == 201
    assert pay(surface, invoice, 2).status_code == 422


def what_is_void_takes_nothing(surface: Surface) -> None:
    invoice = sent(surface, None)["id"]
    surface.firm.sql("update invoices set status = 'void' where id = %s", invoice)
    owner = surface.firm.client()
    assert owner.post(f"{INVOICES}/{invoice}/mark-paid", json={"method": "cash"}).status_code == 409


def the_last_cent_closes_it(surface: Surface) -> None:
    invoice = sent(surface, None)["id"]
    assert pay(surface, invoice, TOTAL_CENTS).status_code == 201
    assert surface.firm.client().get(f"{INVOICES}/{invoice}").json()["data"]["status"] == "paid"


def money_of_tomorrow_is_none(surface: Surface) -> None:
    invoice = sent(surface, None)["id"]
    body = {"invoice_id": invoice, "amount_cents": 1, "method": "cash", "paid_at": "2999-01-01T00:00:00Z"}
    assert surface.firm.client().post(PAYMENTS, json=body).status_code == 422


def looks_away(*given: Any, **named: Any) -> None:
    return None


async def leaves_it(db: Any, invoice: Any, at: Any = None) -> Any:
    return invoice


SABOTAGES = {
    "everything is open": Sabotage(
        instead(rules, "open_cents", lambda invoice, paid_cents: 10**15), never_more_than_is_open
    ),
    "ends are none": Sabotage(
        lambda surface, patch: (
            patch.setattr(service, "check_open", looks_away),
            patch.setattr(service.invoices, "rule", None),
        )[0],
        what_is_void_takes_nothing,
    ),
    "nobody closes": Sabotage(instead(service, "_close", leaves_it), the_last_cent_closes_it),
    "no clock": Sabotage(instead(service, "check_moment", looks_away), money_of_tomorrow_is_none),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    sabotage = SABOTAGES[name]
    sabotage.check(surface)
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)
