"""Guards of invoices taken away one at a time: their own tests must notice. Those of payments have a file."""

from __future__ import annotations

from typing import Any

import pytest

from serve.finance.invoices import service
from serve.finance.payments import service as paying
from tests.sabotage.existing import Case, Guard, cases, instead, without
from tests.serve.finance import test_payments as there
from tests.serve.firm import Firm

manager, account, bill, pay = there.manager, there.account, there.bill, there.pay
INVOICES, PAYMENTS, PAID = there.TestInvoices(), there.TestPayments(), there.TestMarkPaid()


def _always_open(invoice: Any, paid_cents: int) -> int:
    return max(0, int(invoice["total_cents"]) - paid_cents)


async def _stays(db: Any, invoice: Any, at: Any = None) -> Any:
    return invoice


GUARDS = {
    "what failed is paid": Guard(
        without(service, "_RECEIVED", "and status = 'succeeded'"),
        INVOICES.test_what_failed_or_was_given_back_is_not_paid,
    ),
    "what was deleted is paid": Guard(
        without(service, "_RECEIVED", "and deleted_at is null"),
        INVOICES.test_what_failed_or_was_given_back_is_not_paid,
    ),
    "all money is one": Guard(
        without(service, "_RECEIVED", "currency = $2", "$2::text is not null"),
        INVOICES.test_what_failed_or_was_given_back_is_not_paid,
    ),
    "what is void is open": Guard(
        instead(service, "open_cents", _always_open), INVOICES.test_they_are_asked_for_by_what_they_are
    ),
    "what it cost is shown": Guard(
        without(service, "_LINES", "net_cents", "net_cents, cost_cents"),
        INVOICES.test_one_has_its_lines_and_what_is_open,
    ),
    "a payment leaves no trace on it": Guard(
        without(paying, "_SEEN_ANEW", "where id = $1", "where id = $1 and false"),
        PAYMENTS.test_with_the_last_of_it_the_invoice_is_paid,
    ),
    "who was there before does not matter": Guard(
        instead(paying, "check_version", lambda asked, row: None),
        PAID.test_not_after_somebody_else_was_there,
    ),
    "nobody says that it is paid": Guard(
        instead(paying, "_close", _stays), PAID.test_where_nothing_was_to_be_paid_there_is_no_payment
    ),
}


@pytest.mark.parametrize("case", cases(GUARDS))
def test_it_is_noticed(request: pytest.FixtureRequest, firm: Firm, case: Case) -> None:
    case.hold(request, firm)
